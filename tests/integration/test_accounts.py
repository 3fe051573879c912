"""An account's life over HTTP, through nginx: the promises of the README."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable

from tests.integration.client import PASSWORD, Answer, Client, Person, eventually


def test_register_login_ask_and_see_the_events(person: Person) -> None:
    answer = person.register()
    assert (answer.status, answer.json["code"]) == (201, 0)
    user = answer.json["user"]
    again = person.register()
    assert again.status == 409
    assert again.json["code"] != 0
    before = dict(person.client.cookies)
    answer = person.login()
    assert (answer.status, answer.json["code"]) == (200, 0)
    assert answer.json["user"] == user, "what was kept is not what registering has answered"
    assert person.client.cookies, "login has set no cookie"
    assert person.client.cookies != before, "the session id was not renewed"
    assert person.client.get("/isLogined").json["logined"] is True
    kinds = eventually(lambda: [event["kind"] for event in person.events()])
    assert kinds[:2] == ["logged_in", "registered"]


def test_nobody_is_logged_in_without_a_session(client: Client) -> None:
    answer = client.get("/isLogined")
    assert (answer.status, answer.json["logined"]) == (200, False)
    assert client.get("/account/info").status == 401
    assert client.post("/account/edit", {"email": "x@example.org", "old_password": PASSWORD}).status == 401


def test_answers_are_json_in_the_documented_shape(client: Client) -> None:
    for path, status in (("/isLogined", 200), ("/account/info", 401), ("/nothing-here", 404)):
        answer = client.get(path)
        assert answer.status == status
        assert answer.headers["Content-Type"].lower() == "application/json; charset=utf-8"
        assert isinstance(answer.json["code"], int)
        assert isinstance(answer.json["message"], str)
        assert (answer.json["code"] == 0) == (status == 200)


def test_a_request_may_be_json(person: Person) -> None:
    fields = {"username": person.name, "email": person.email, "password": PASSWORD}
    assert person.client.request("POST", "/register", json_body=fields).status == 201
    assert person.client.request("POST", "/login", json_body=fields).status == 200
    assert person.logged_in()


def test_wrong_fields_are_refused(client: Client) -> None:
    good = {"username": "somebody1", "email": "somebody1@example.org", "password": PASSWORD}
    for wrong in ({"username": ""}, {"email": "no-address"}, {"password": "short"}):
        answer = client.post("/register", {**good, **wrong})
        assert answer.status == 400, answer
    missing = {name: value for name, value in good.items() if name != "password"}
    assert client.post("/register", missing).status == 400
    assert client.request("POST", "/login", json_body=[1, 2]).status == 400
    broken = client.request("POST", "/login", {}, headers={"Content-Type": "application/json"})
    assert broken.status == 400
    assert client.request("POST", "/login", good, headers={"Content-Type": "text/csv"}).status == 415


def test_a_wrong_password_and_an_unknown_user_look_the_same(
    person: Person, new_client: Callable[..., Client]
) -> None:
    assert person.register().status == 201
    stranger = Person(new_client())
    wrong, unknown = person.login("not the password"), stranger.login("not the password")
    assert wrong.status == unknown.status == 401
    assert wrong.body == unknown.body


def test_logout_ends_the_session_also_for_a_copied_cookie(
    member: Person, new_client: Callable[..., Client]
) -> None:
    thief = new_client()
    thief.cookies.update(member.client.cookies)
    assert thief.get("/isLogined").json["logined"] is True
    answer = member.client.post("/logout")
    assert (answer.status, answer.json["code"]) == (200, 0)
    assert not member.logged_in()
    assert thief.get("/isLogined").json["logined"] is False


def test_an_account_can_be_edited(member: Person) -> None:
    email = f"new-{member.email}"
    answer = member.client.post("/account/edit", {"email": email, "old_password": member.password})
    assert answer.status == 200, answer
    eventually(lambda: "edited" in [event["kind"] for event in member.events()])
    assert email in member.client.get("/account/info").body.decode()


def test_a_taken_email_is_refused_in_registering_and_in_editing(
    member: Person, new_client: Callable[..., Client]
) -> None:
    other = Person(new_client())
    own, other.email = other.email, member.email
    assert other.register().status == 409
    other.email = own
    assert other.register().status == 201
    assert other.login().status == 200
    edit = {"email": member.email, "old_password": other.password}
    assert other.client.post("/account/edit", edit).status == 409


def test_the_session_cookie_is_kept_from_scripts_and_other_sites(member: Person) -> None:
    answer = member.login()
    (cookie,) = answer.headers.get_all("Set-Cookie", [])
    attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"httponly", "samesite=lax", "path=/"} <= attributes
    # Through nginx it is plain HTTP here.
    assert "secure" not in attributes


def test_a_cookie_that_was_changed_is_nobodys(member: Person, new_client: Callable[..., Client]) -> None:
    forger = new_client()
    for name, value in member.client.cookies.items():
        middle = len(value) // 2
        forger.cookies[name] = value[:middle] + ("A" if value[middle] != "A" else "B") + value[middle + 1 :]
    answer = forger.get("/isLogined")
    assert (answer.status, answer.json["logined"]) == (200, False)


def test_fifty_equal_registrations_at_once_make_one_account(new_client: Callable[..., Client]) -> None:
    people = [Person(new_client()) for _ in range(50)]
    for person in people:
        person.name, person.email = people[0].name, people[0].email
    answers = at_once([person.register for person in people])
    assert Counter(answer.status for answer in answers) == {201: 1, 409: 49}


def at_once(calls: list[Callable[[], Answer]]) -> list[Answer]:
    """Make all calls in threads that begin together, and return the answers."""
    barrier = threading.Barrier(len(calls))
    answers: list[Answer] = []
    errors: list[BaseException] = []

    def run(call: Callable[[], Answer]) -> None:
        barrier.wait()
        try:
            answers.append(call())
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return answers


def test_events_have_the_clients_address_not_the_proxys(member: Person) -> None:
    events = eventually(member.events)
    assert {event["address"] for event in events} == {member.client.address}


def test_a_client_cannot_choose_its_address(person: Person) -> None:
    forged = {
        "X_Real_Ip": "203.0.113.9",
        "X_Forwarded_For": "203.0.113.9, 10.0.0.1",
        "Forwarded": "for=203.0.113.9",
    }
    assert person.register(**forged).status == 201
    assert person.login(**forged).status == 200
    events = eventually(person.events)
    assert {event["address"] for event in events} == {person.client.address}


def test_a_form_of_another_site_is_refused(person: Person) -> None:
    assert person.register(Origin="https://evil.example").status == 403
    assert person.register(Sec_Fetch_Site="cross-site").status == 403
    assert person.register().status == 201
    # The site's own page may.
    own = person.client.base_url
    assert person.login(Origin=own, Sec_Fetch_Site="same-origin").status == 200
    assert person.client.post("/logout", Origin="https://evil.example").status == 403
    assert person.client.post("/logout", Origin="null").status == 403
    assert person.logged_in()


def test_too_many_tries_on_one_account_are_stopped(person: Person) -> None:
    assert person.register().status == 201
    statuses = []
    for _ in range(30):
        answer = person.login("not the password")
        statuses.append(answer.status)
        if answer.status == 429:
            break
        assert answer.status == 401, answer
    assert statuses[-1] == 429, statuses
    assert 1 <= int(answer.headers["Retry-After"]) <= 3600
    assert answer.json["code"] != 0
    # The right password is no way around it, or one could go on guessing.
    assert person.login().status == 429


def test_health_tells_of_each_store(client: Client) -> None:
    live = client.get("/health/live")
    assert live.status == 200
    ready = client.get("/health/ready")
    assert (ready.status, ready.json["status"]) == (200, "ready")
    stores = ready.json["stores"]
    assert set(stores) == {"mongodb", "redis", "postgresql"}
    for state in stores.values():
        assert state["state"] == "up"
        assert 0 <= state["ms"] < 2000


def test_a_request_body_that_is_too_large_is_refused(client: Client) -> None:
    started = time.monotonic()
    answer = client.post("/login", {"username": "x" * 5_000_000, "password": "y"})
    assert answer.status == 413, answer
    assert time.monotonic() - started < 10


def test_static_files_icon_and_robots_are_served(client: Client) -> None:
    assert client.get("/robots.txt").status == 200
    assert client.get("/favicon.ico").status == 200
    # Outside of the folder: refused by whoever serves the files.
    assert client.get("/static/../config.py").status in (400, 403, 404)
