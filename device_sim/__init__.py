"""A simulated village: firmware, modelled lamps and meters, one MQTT connection for each controller.

As a program (see `python -m device_sim --help`):

    python -m device_sim --villages villages/luetjenholm.toml villages/glasau.toml --credentials FILE \
        --host 127.0.0.1 --port 1883 --state-dir DIR [--demo] [--seed 1] [--only municipality/controller] \
        [--scenario FILE] [--view | --quiet] [--for SECONDS] [--json FILE|-]

In a test, on the test's own event loop:

    village = Village([path], {"leck/cabinet-1": secret}, port=port, state_dir=tmp_path, demo=True)
    async with village:                            # starts, and waits until all are connected
        device = village["leck/cabinet-1"]
        device.levels                              # {"1": 0, "2": 100}: what its outputs give now
        await device.wait_level("1", 100)          # until an output gives a level
        device.drop()                              # its connection breaks; it connects again by itself
        await device.kill()                        # no power: the connection closes without DISCONNECT
        device.start()                             # power again: a new boot
        await device.power_cycle()                 # both
        await village.wait_connected(timeout_s=10)

`village.start()` and `await village.stop()` do the same without waiting. `device.core` is the firmware's state
machine and `device.load` the lamps and meters: `device.load.total_mwh("1")`. `backoff_most_s` and `heartbeat_ms`
may be shortened. `scenario` says what goes wrong (`device_sim.scenario`), `device_sim.results` what became of it;
`device_sim.many` makes up villages of any size. Without `state_dir` nothing is kept in files.
"""

from device_sim.device import SimDevice
from device_sim.village import Village
from device_sim.villages import VillageError

__all__ = ["SimDevice", "Village", "VillageError"]
