"""A user as the deployment knows them."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from shared.tenancy.quotas import Quotas


class User(BaseModel):
    """One user. The id is issued by the server; the name is for people."""

    model_config = ConfigDict(frozen=True)

    user_id: str
    name: str
    created: datetime
    disabled: bool = False
    quotas: Quotas = Quotas()

    @property
    def seq(self) -> int:
        """Its place in the list of users: the millisecond of its creation."""
        return int(self.created.timestamp() * 1000)
