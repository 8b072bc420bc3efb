"""A user's ceilings, and how much of them is taken up."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from shared.services import Services
from shared.tenancy import TenantContext
from shared.tenancy.quotas import Quotas, Reservation, Spending


class Standing(BaseModel):
    """A user's ceilings and what is taken up of them. What is set aside for running swarms counts until they end."""

    model_config = ConfigDict(frozen=True)

    quotas: Quotas
    running: int
    reserved: Reservation
    today: Spending
    this_month: Spending
    at: datetime


async def get_standing(services: Services, tenant: TenantContext) -> Standing:
    """How a user stands against their ceilings."""
    now = services.now()
    ledger = await services.ledgers.read(tenant.user_id)
    return Standing(
        quotas=await services.quotas.of(tenant.user_id),
        running=len(ledger.running),
        reserved=ledger.reserved,
        today=ledger.spent_on(now.date()),
        this_month=ledger.spent_in_month(now.date()),
        at=now,
    )
