"""Which files of a project look like a secret, by their names and by what is in them."""

import re

from pathspec import GitIgnoreSpec

#: Names under which tools keep passwords, tokens and private keys.
_NAMES = GitIgnoreSpec.from_lines(
    """
    .env
    .env.*
    !.env.example
    !.env.sample
    !.env.template
    !.env.dist
    .envrc
    *.key
    *.p12
    *.pfx
    *.ppk
    *.jks
    *.keystore
    *.kdbx
    *.ovpn
    id_rsa
    id_dsa
    id_ecdsa
    id_ed25519
    .netrc
    _netrc
    .pgpass
    .pypirc
    .htpasswd
    .git-credentials
    .vault-token
    .ssh/
    .gnupg/
    .aws/
    .azure/
    .kube/
    .docker/config.json
    credentials.json
    client_secret*.json
    service-account*.json
    service_account*.json
    secrets.json
    secrets.toml
    secrets.yaml
    secrets.yml
    local.settings.json
    *.tfstate
    *.tfstate.backup
    *.tfvars
    """.replace(" ", "").splitlines()
)
#: Forms of keys and tokens that nothing else has.
_CONTENTS = {
    "a private key": rb"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----",
    "an AWS access key": rb"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "a GitHub token": rb"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{50})",
    "a GitLab token": rb"\bglpat-[\w-]{20}",
    "a Slack token": rb"\bxox[abprs]-[\w-]{20}",
    "a model provider's key": rb"\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{32}",
    "a Google API key": rb"\bAIza[\w-]{35}",
    "a Stripe key": rb"\b[sr]k_live_[A-Za-z0-9]{20}",
    "an npm token": rb"\bnpm_[A-Za-z0-9]{36}\b",
    "a PyPI token": rb"\bpypi-AgEIcHlwaS5vcmc[\w-]{50}",
    "an Azure storage key": rb"AccountKey=[A-Za-z0-9+/]{86}==",
    "a SendGrid key": rb"\bSG\.[\w-]{22}\.[\w-]{43}",
}
_CONTENT = re.compile(b"|".join(b"(?P<n%d>%s)" % (number, form) for number, form in enumerate(_CONTENTS.values())))
#: Bytes of a file that are looked at.
LOOKED_AT = 1024 * 1024


def secret_name(path: str) -> bool:
    """Whether a file with this path, relative to its project, usually holds secrets."""
    return _NAMES.match_file(path)


def secret_content(content: bytes) -> str | None:
    """The kind of secret that is in a file's first bytes, or None."""
    found = _CONTENT.search(content[:LOOKED_AT])
    if found is None or found.lastgroup is None:
        return None
    return list(_CONTENTS)[int(found.lastgroup.removeprefix("n"))]
