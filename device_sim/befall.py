"""Lets a happening befall a controller's lamps, relays and meters."""

from device_sim.device import SimDevice
from device_sim.happenings import Happening, Kind
from device_sim.meters import Lie


def befall(device: SimDevice, happening: Happening) -> None:
    """Change the controller's load, metered up to now, and let it tell what must be told.

    What befalls power and network is not for the load: those happenings change nothing here.
    """
    device.look()  # what burned until now burned as before
    load, part, value = device.load, happening.part, happening.value
    if happening.kind is Kind.LAMP and isinstance(value, int):
        load.fail(part, value)
    elif happening.kind is Kind.RELAY and (value is None or isinstance(value, str)):
        load.stick(part, value)
    elif happening.kind is Kind.METER and (value is None or isinstance(value, Lie)):
        load.lie(part, value)
    elif happening.kind is Kind.METER_RESET:
        load.meters[part].reset()
    elif happening.kind is Kind.SUPPLY and isinstance(value, bool):
        load.supply(value)
    device.look()
