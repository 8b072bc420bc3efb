"""Every setting the app reads, from `SWARMSTAR_*` environment variables, checked once."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shared.errors import InvalidInput


def _split(value: object) -> object:
    return tuple(part for part in value.replace(",", " ").split() if part) if isinstance(value, str) else value


#: Names in one variable, with commas or spaces between them.
Listed = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Settings(BaseSettings):
    """The app's settings; each has a default that works on one's own machine except the model."""

    #: An empty variable is one that is not set, as infrastructure leaves those that a deployment does not use.
    model_config = SettingsConfigDict(
        env_prefix="SWARMSTAR_", env_ignore_empty=True, frozen=True, extra="ignore", populate_by_name=True
    )

    #: The one user of a local deployment.
    local_user: str | None = None
    #: The hash of that user's key, which `make dev` makes. Without it a local deployment asks for no credential: that
    #: is for tests and tools of this machine, lets in what comes to a loopback name only, and never works on Azure.
    local_key_sha256: Sha256 | None = None
    #: The hash of the key that may manage users and can look at nobody's swarms; so no secret is configured.
    admin_key_sha256: Sha256 | None = None
    #: Entra ID tenants whose users are let in, by their ids, and the audiences that a token may be for.
    entra_tenants: Listed = ()
    entra_audiences: Listed = ()
    #: The delegated or app permission a token must carry.
    entra_permission: str = "Swarms.Access"
    #: Where Entra ID answers; sovereign clouds have another address.
    entra_authority: str = "https://login.microsoftonline.com"
    #: Whether to believe the identity headers of the platform's own sign-in, for the tenants above. Only where that
    #: sign-in stands before every request: anybody can send such headers to a host without it.
    easy_auth: bool = False
    #: Set by the platform: its sign-in is on; the app runs on Azure.
    platform_sign_in: bool = Field(default=False, validation_alias="WEBSITE_AUTH_ENABLED")
    azure_site: str | None = Field(default=None, validation_alias="WEBSITE_SITE_NAME")
    #: Where swarm spaces lie, one folder each.
    spaces_dir: Path = Path(".swarmstar/spaces")

    #: Where documents lie. `sqlite`: files in `spaces_dir`. `cosmos`: Cosmos DB.
    store: Literal["sqlite", "cosmos"] = "sqlite"
    #: Where content lies that is too large for a document. `filesystem`: files in `spaces_dir`. `azure`: Azure Blob
    #: Storage. Unless it is set, `filesystem` beside SQLite and `azure` beside Cosmos DB.
    blobs: Literal["filesystem", "azure"] | None = None
    cosmos_endpoint: str = ""
    #: Without a key the app signs in as its managed identity.
    cosmos_key: SecretStr | None = None
    #: Whether the endpoint is the emulator on loopback, which has quirks of its own.
    cosmos_emulator: bool = False
    blob_endpoint: str = ""
    blob_key: SecretStr | None = None
    #: The client id of the managed identity; without one the environment's default credential is used.
    azure_client_id: str | None = None

    #: An OpenAI-compatible endpoint.
    model_base_url: str = "https://api.openai.com/v1"
    model_api_key: SecretStr | None = None
    #: Whether the app calls the endpoint as its managed identity, as Azure OpenAI wants it, and for which audience
    #: its token is.
    model_identity: bool = False
    model_identity_scope: str = "https://cognitiveservices.azure.com/.default"
    model: str = "gpt-5-mini"
    #: The row of the table of models that holds for it, where its name is none of the table's; and what that row says
    #: otherwise, field by field (`shared/llm/profiles.py`).
    model_profile: str | None = None
    model_window: int | None = Field(default=None, ge=1_024)
    model_max_output: int | None = Field(default=None, ge=100)
    model_reasons: bool | None = None
    model_effort: Literal["reasoning_effort", "none"] | None = None
    model_thinking: int | None = Field(default=None, ge=0)
    model_tools: Literal["native", "json", "none"] | None = None
    model_structured: Literal["schema", "object", "text"] | None = None
    #: US dollars per million tokens: read, read from a cache, written. The first and the last go together.
    model_price_input: float | None = Field(default=None, ge=0)
    model_price_cached: float | None = Field(default=None, ge=0)
    model_price_output: float | None = Field(default=None, ge=0)
    #: Whether the model is the small embedded one: prompts get shorter and answers are bounded by grammar.
    model_offline: bool = False
    #: Seconds one model call may take.
    model_timeout: float = Field(default=120.0, gt=0, le=600)
    #: Tokens a prompt may have, where that is to be other than the model's profile says; what does not fit is cut by
    #: rule.
    prompt_tokens: int | None = Field(default=None, ge=500)
    #: Tokens an answer may have, without what the model thinks before it.
    output_tokens: int | None = Field(default=None, ge=100)
    #: Model calls in flight at once, of one user and in all.
    user_calls: int = Field(default=200, ge=1)
    all_calls: int = Field(default=1_000, ge=1)

    #: `search`: a router node searches the action space for each sub-directive. `planned`: the plan names the
    #: actions itself where the action space is small enough to be shown whole, which saves those calls.
    routing: Literal["search", "planned"] = "search"
    #: Whether a plan is checked for sub-directives that cannot run independently.
    check_plans: bool = True
    #: The largest `fan_out` that a swarm's limits may ask for; never less than they have by default.
    fan_out: int = Field(default=12, ge=8, le=32)

    #: Seconds a worker's claim on a node lasts without a heartbeat.
    claim_seconds: float = Field(default=60.0, gt=0)
    #: Seconds after which the sweep signals again what nobody picked up.
    sweep_after: float = Field(default=60.0, ge=0)
    #: Days after which the durable host forgets an orchestration that has ended; swarms are not touched by it.
    history_days: float = Field(default=7.0, gt=0, le=365)

    @model_validator(mode="after")
    def _names_audiences(self) -> Self:
        if self.entra_tenants and not self.entra_audiences:
            raise ValueError("SWARMSTAR_ENTRA_TENANTS needs SWARMSTAR_ENTRA_AUDIENCES: whom a token must be for")
        return self

    @model_validator(mode="after")
    def _calls_in_one_way(self) -> Self:
        if self.model_identity and self.model_api_key is not None:
            raise ValueError("set SWARMSTAR_MODEL_IDENTITY or SWARMSTAR_MODEL_API_KEY, not both")
        return self

    @model_validator(mode="after")
    def _prices_both_ways(self) -> Self:
        prices = (self.model_price_input, self.model_price_output)
        if (prices.count(None) == 1) or (None in prices and self.model_price_cached is not None):
            raise ValueError("set SWARMSTAR_MODEL_PRICE_INPUT and SWARMSTAR_MODEL_PRICE_OUTPUT, or neither")
        return self

    @property
    def blobs_beside_store(self) -> Literal["filesystem", "azure"]:
        """Where content lies, by the setting or else by the store."""
        beside: dict[str, Literal["filesystem", "azure"]] = {"sqlite": "filesystem", "cosmos": "azure"}
        return self.blobs or beside[self.store]

    @property
    def api_key(self) -> str:
        """The endpoint's key; raises `InvalidInput` that says how to set one."""
        if self.model_api_key is None:
            raise InvalidInput("no model key: set SWARMSTAR_MODEL_API_KEY, or run `make dev` for the offline model")
        return self.model_api_key.get_secret_value()
