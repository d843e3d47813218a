"""What the use cases and loops need from the outside, as protocols; adapters live in their own rooms."""

from service.ports.outside import Access, Clock, Connected, Disconnected, Lamps, Store, Watch
from service.ports.records import (
    Answer,
    Draft,
    Enactment,
    EnergyRow,
    ExceptionRecord,
    OutputPlan,
    Plan,
    PlanStep,
    PressRecord,
    SentOrder,
    SentPlan,
)
from service.ports.transactions import Tx

__all__ = [
    "Access",
    "Answer",
    "Clock",
    "Connected",
    "Disconnected",
    "Draft",
    "Enactment",
    "EnergyRow",
    "ExceptionRecord",
    "Lamps",
    "OutputPlan",
    "Plan",
    "PlanStep",
    "PressRecord",
    "SentOrder",
    "SentPlan",
    "Store",
    "Tx",
    "Watch",
]
