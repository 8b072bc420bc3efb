"""Deliveries are proven by what the published examples say, and by nothing less."""

import base64
from datetime import UTC, datetime, timedelta

import pytest

from shared.hooks.model import OVERLAP, Hook, HookUse, Refused, Started, hook_of
from shared.hooks.signing import MAX_SIGNATURES, TOLERANCE, Verification, kept, new_secret, sign, verify

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
BODY = b'{"a": 1}'

#: The test vector of the Standard Webhooks reference implementations.
VECTOR_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
VECTOR_TIME = datetime.fromtimestamp(1_614_265_330, UTC)
VECTOR_BODY = b'{"test": 2432232314}'
VECTOR = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
#: The example of GitHub's documentation.
GITHUB_SECRET, GITHUB_BODY = "It's a Secret to Everybody", b"Hello, World!"
GITHUB = {"x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}

each_way = pytest.mark.parametrize("way", Verification)


def lower(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def standard(headers: dict[str, str], now: datetime = VECTOR_TIME, body: bytes = VECTOR_BODY) -> str | None:
    return verify(Verification.STANDARD, [VECTOR_SECRET], headers, body, now).fault


def test_the_published_vector_of_standard_webhooks() -> None:
    verdict = verify(Verification.STANDARD, [VECTOR_SECRET], VECTOR, VECTOR_BODY, VECTOR_TIME)
    assert (verdict.fault, verdict.delivery_id) == (None, VECTOR["webhook-id"])
    assert sign(Verification.STANDARD, VECTOR_SECRET, VECTOR_BODY, VECTOR["webhook-id"], VECTOR_TIME) == VECTOR


def test_the_example_of_github() -> None:
    headers = {**GITHUB, "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958"}
    verdict = verify(Verification.GITHUB, [GITHUB_SECRET], headers, GITHUB_BODY, NOW)
    assert (verdict.fault, verdict.delivery_id) == (None, "72d3162e-cc78-11e3-81ab-4c9367dc0958")
    assert lower(sign(Verification.GITHUB, GITHUB_SECRET, GITHUB_BODY, "d", NOW)).items() >= GITHUB.items()


@each_way
def test_what_is_signed_is_proven_and_nothing_else(way: Verification) -> None:
    secret, other = new_secret(way), new_secret(way)
    headers = lower(sign(way, secret, BODY, "delivery-1", NOW))
    verdict = verify(way, [kept(way, secret)], headers, BODY, NOW)
    assert (verdict.fault, verdict.delivery_id) == (None, "delivery-1")
    assert verify(way, [kept(way, other)], headers, BODY, NOW).fault
    assert verify(way, [kept(way, other), kept(way, secret)], headers, BODY, NOW).fault is None
    assert verify(way, [kept(way, secret)], {}, BODY, NOW).fault
    assert verify(way, [], headers, BODY, NOW).fault
    if way is not Verification.TOKEN:
        assert verify(way, [kept(way, secret)], headers, BODY + b" ", NOW).fault


@each_way
def test_one_way_is_not_proven_by_another(way: Verification) -> None:
    secret = "whsec_" + base64.b64encode(b"x" * 32).decode()
    for other in set(Verification) - {way}:
        headers = lower(sign(other, secret, BODY, "d", NOW))
        assert verify(way, [kept(way, secret)], headers, BODY, NOW).fault


@each_way
def test_secrets_have_256_bits_and_differ(way: Verification) -> None:
    one, other = new_secret(way), new_secret(way)
    assert one != other
    encoded = one.removeprefix("whsec_")
    assert len(base64.urlsafe_b64decode(encoded.replace("+", "-").replace("/", "_") + "=")) == 32
    assert one.startswith("whsec_") == (way is Verification.STANDARD)


def test_a_token_is_not_stored() -> None:
    secret = new_secret(Verification.TOKEN)
    stored = kept(Verification.TOKEN, secret)
    assert secret not in stored
    assert verify(Verification.TOKEN, [stored], {"authorization": f"Bearer {stored}"}, BODY, NOW).fault


@pytest.mark.parametrize("header", ["bearer {}", "BEARER {}", "Bearer   {} "])
def test_how_a_token_may_be_written(header: str) -> None:
    headers = {"authorization": header.format("abc")}
    assert verify(Verification.TOKEN, [kept(Verification.TOKEN, "abc")], headers, BODY, NOW).fault is None


@pytest.mark.parametrize("header", ["abc", "Basic abc", "Bearer", "Bearer ", "Bearer abc abc", "Bearer \u00e9\ud800"])
def test_how_a_token_may_not_be_written(header: str) -> None:
    stored = kept(Verification.TOKEN, "abc")
    assert verify(Verification.TOKEN, [stored], {"authorization": header}, BODY, NOW).fault


def test_several_signatures_in_a_header() -> None:
    right = VECTOR["webhook-signature"]
    for presented in (f"v1,AAAA {right}", f"{right} v1,AAAA", f"v1a,AAAA {right}", f"v2,x  {right}"):
        assert standard({**VECTOR, "webhook-signature": presented}) is None
    many = " ".join(["v1,AAAA"] * MAX_SIGNATURES + [right])
    assert standard({**VECTOR, "webhook-signature": many})


@pytest.mark.parametrize(
    "presented", ["", "v1", "v1,", ",", "v2,{}", "{}", "v1a,{}", "v1,{}=", "v1,\u00e9", "v1,\ud800", "V1,{}"]
)
def test_signatures_that_are_none(presented: str) -> None:
    bare = VECTOR["webhook-signature"].removeprefix("v1,")
    assert standard({**VECTOR, "webhook-signature": presented.format(bare)})


def test_the_tolerance_is_five_minutes_either_way() -> None:
    second = timedelta(seconds=1)
    for at in (VECTOR_TIME + TOLERANCE, VECTOR_TIME - TOLERANCE):
        assert standard(VECTOR, at) is None
    for at in (VECTOR_TIME + TOLERANCE + second, VECTOR_TIME - TOLERANCE - second):
        assert "five minutes" in str(standard(VECTOR, at))


def test_one_signature_stands_for_one_delivery() -> None:
    secret, seconds = VECTOR_SECRET, int(NOW.timestamp())
    headers = sign(Verification.STANDARD, secret, f"{seconds}.x".encode(), "id", NOW)
    # `id.T` + `.` + `T` + `.` + `x` is the same text under another id.
    moved = {**headers, "webhook-id": f"id.{seconds}"}
    assert verify(Verification.STANDARD, [secret], headers, f"{seconds}.x".encode(), NOW).fault is None
    assert "dot" in str(verify(Verification.STANDARD, [secret], moved, b"x", NOW).fault)


@pytest.mark.parametrize("stamp", ["", "now", "1e9", "-1", " 1614265330", "1614265330.0", "9" * 40, "\u0661"])
def test_signed_times_that_are_none(stamp: str) -> None:
    signature = sign(Verification.STANDARD, VECTOR_SECRET, b"", "id", VECTOR_TIME)["webhook-signature"]
    headers = {"webhook-id": "id", "webhook-timestamp": stamp, "webhook-signature": signature}
    assert standard(headers, body=b"")


@pytest.mark.parametrize(
    ("way", "header"), [(Verification.GITHUB, "x-github-delivery"), (Verification.TOKEN, "idempotency-key")]
)
@pytest.mark.parametrize("name", ["x" * 257, "a b", "\u00e9", "a\n"])
def test_delivery_ids_have_a_shape(way: Verification, header: str, name: str) -> None:
    headers = lower(sign(way, "abc", BODY, "d", NOW))
    assert header in str(verify(way, [kept(way, "abc")], {**headers, header: name}, BODY, NOW).fault)
    del headers[header]
    verdict = verify(way, [kept(way, "abc")], headers, BODY, NOW)
    assert (verdict.fault, verdict.delivery_id) == (None, None)


def hook(**more: object) -> Hook:
    way = Verification.GITHUB
    return Hook.model_validate(
        {"hook_id": hook_of("ada", "r"), "name": "h", "verification": way, "created": NOW, "secret": "first", **more}
    )


def good(one: Hook, secret: str, now: datetime) -> bool:
    return one.look_at(lower(sign(one.verification, secret, BODY, "d", now)), BODY, now).fault is None


def test_the_secret_before_is_good_for_a_day() -> None:
    rotated = hook().rotated("second", NOW, "r1")
    assert good(rotated, "second", NOW)
    assert good(rotated, "first", NOW)
    assert good(rotated, "first", NOW + OVERLAP - timedelta(seconds=1))
    assert not good(rotated, "first", NOW + OVERLAP)
    assert good(rotated, "second", NOW + OVERLAP)


def test_a_second_rotation_ends_the_first_secret() -> None:
    twice = hook().rotated("second", NOW, "r1").rotated("third", NOW, "r2")
    assert [good(twice, secret, NOW) for secret in ("first", "second", "third")] == [False, True, True]


def test_a_rotation_that_is_repeated_keeps_the_secret_in_use() -> None:
    again = hook().rotated("lost", NOW, "r1").rotated("second", NOW, "r1")
    assert [good(again, secret, NOW) for secret in ("first", "lost", "second")] == [True, False, True]


def test_nothing_prints_a_secret() -> None:
    one = hook(previous="before", previous_until=NOW)
    assert "first" not in repr(one) + str(one)
    assert "before" not in repr(one) + str(one)


def test_uses_are_noted_once_a_minute_each_kind() -> None:
    use = HookUse().noting(Started(at=NOW, swarm_id="a"))
    assert use is not None
    assert use.noting(Started(at=NOW + timedelta(seconds=59), swarm_id="b")) is None
    both = use.noting(Refused(at=NOW, reason="r"))
    assert both is not None
    assert (both.started, both.refused) == (use.started, Refused(at=NOW, reason="r"))
    later = both.noting(Started(at=NOW + timedelta(seconds=60), swarm_id="b"))
    assert later is not None
    assert later.started == Started(at=NOW + timedelta(seconds=60), swarm_id="b")


def test_the_older_names_of_the_headers_are_taken() -> None:
    older = {name.replace("webhook-", "svix-"): value for name, value in VECTOR.items()}
    verdict = verify(Verification.STANDARD, [VECTOR_SECRET], older, VECTOR_BODY, VECTOR_TIME)
    assert (verdict.fault, verdict.delivery_id) == (None, VECTOR["webhook-id"])
    assert standard({**older, "svix-timestamp": "1614265331"}) is not None


def test_the_two_families_of_header_names_are_not_mixed() -> None:
    older = {name.replace("webhook-", "svix-"): value for name, value in VECTOR.items()}
    for name in VECTOR:
        mixed = {key: value for key, value in VECTOR.items() if key != name}
        assert standard({**mixed, name.replace("webhook-", "svix-"): VECTOR[name]}) is not None
    assert standard({**older, "webhook-signature": "v1,AAAA"}) is not None
