"""What the use cases and loops need from the outside, as protocols; adapters live in their own rooms."""

from service.ports.outside import STAFF, Access, Clock, Connected, Disconnected, Lamps, Notice, Notify, Store, Watch
from service.ports.records import (
    Answer,
    ClaimCode,
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
    "STAFF",
    "Access",
    "Answer",
    "ClaimCode",
    "Clock",
    "Connected",
    "Disconnected",
    "Draft",
    "Enactment",
    "EnergyRow",
    "ExceptionRecord",
    "Lamps",
    "Notice",
    "Notify",
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
