"""What a fleet did, in figures."""

import os
import resource
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from device_sim.device import SimDevice


def percentile(ordered: Sequence[float], part: float) -> float | None:
    """The value at a part (nearest rank) of values in order; None of none."""
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * part))], 3) if ordered else None


def memory_mb() -> float:
    """What this process holds in memory now; its highest so far where the system does not tell."""
    status = Path("/proc/self/statm")
    if status.exists():
        return int(status.read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def cpu_s() -> float:
    """How long this process has computed so far, on all cores."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def energy(devices: Iterable[SimDevice]) -> dict[str, Any]:
    """True energy of metered outputs and what their meters told, as of the last report of each, in Wh.

    Meters that lied at any time are counted apart and left out of both; `apart_percent` is None where nothing burned.
    """
    meters = [meter for device in devices for meter in device.load.meters.values()]
    honest = [meter for meter in meters if meter.honest]
    true, told = sum(meter.true_mwh for meter in honest), sum(meter.told_mwh for meter in honest)
    return {
        "true_wh": true / 1000,
        "metered_wh": told / 1000,
        "apart_percent": round(100 * abs(told - true) / true, 4) if true else None,
        "lying_meters": len(meters) - len(honest),
    }


def results(devices: Sequence[SimDevice]) -> dict[str, Any]:
    """The state of a fleet since its start, for JSON."""
    lags = sorted(lag for device in devices for lag in device.tally.lags_ms)
    return {
        "controllers": len(devices),
        "lamps": sum(device.spec.lamps for device in devices),
        "lamps_dark": sum(device.load.dark(output.n) for device in devices for output in device.spec.outputs),
        "powered": sum(device.powered for device in devices),
        "connected": sum(device.connected for device in devices),
        "reconnects": sum(max(0, device.tally.connects - 1) for device in devices),
        "reports": sum(device.tally.reports for device in devices),
        "orders": sum(device.tally.orders for device in devices),
        "order_to_report_ms": {
            "count": len(lags),
            "p50": percentile(lags, 0.5),
            "p99": percentile(lags, 0.99),
            "worst": percentile(lags, 1.0),
        },
        "energy": energy(devices),
        "memory_mb": round(memory_mb(), 1),
        "cpu_s": round(cpu_s(), 2),
    }
