"""What the use cases and loops need from the outside, as protocols; adapters live in their own rooms."""

from service.ports.ledger import Burnt, EnergySum, LedgerState, SignedStatement, UtilityReading
from service.ports.outside import STAFF, Access, Clock, Connected, Disconnected, Lamps, Notice, Notify, Store, Watch
from service.ports.records import (
    Answer,
    ClaimCode,
    Draft,
    Enactment,
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
    "Burnt",
    "ClaimCode",
    "Clock",
    "Connected",
    "Disconnected",
    "Draft",
    "Enactment",
    "EnergySum",
    "ExceptionRecord",
    "Lamps",
    "LedgerState",
    "Notice",
    "Notify",
    "OutputPlan",
    "Plan",
    "PlanStep",
    "PressRecord",
    "SentOrder",
    "SentPlan",
    "SignedStatement",
    "Store",
    "Tx",
    "UtilityReading",
    "Watch",
]
