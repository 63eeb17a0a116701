"""Consumers of the node's own JetStream: what a user reaches with plain nats-py, and that it reaches nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.errors import NoRespondersError
from nats.js.api import AckPolicy, ConsumerConfig
from nats.js.errors import APIError, NotFoundError, ServiceUnavailableError

from tests.node.nats_clients import LARGE, OTHER, OWN, ROWS, client_of, until, url_of, work_as
from udup.node.nats_access import NatsAccess
from udup.node.nats_server import NatsServer
from udup.web.ports import ConsumerCredentials

# ---- What a user may ----


def test_a_user_fetches_and_acknowledges_from_the_streams_that_it_was_given(reports: ConsumerCredentials) -> None:
    async def work(client: Client) -> None:
        context = client.jetstream()
        pull = await context.pull_subscribe(f"{OWN.lower()}.>", durable="fetching", stream=OWN)
        first = await pull.fetch(4, timeout=30)
        assert [message.data for message in first] == [b"0", b"1", b"2", b"3"]
        await first[0].ack_sync()
        await first[1].nak()
        await first[2].in_progress()
        await first[3].term()

        async def waits_for_one() -> bool:
            found = await context.consumer_info(OWN, "fetching")
            return found.ack_floor.stream_seq == 1 and found.num_ack_pending in (1, 2)

        await until(waits_for_one)
        again = await pull.fetch(3, timeout=30)
        while len(again) < 3:  # what is delivered once more may come later than what is new
            again += await pull.fetch(3 - len(again), timeout=30)
        assert sorted(message.data for message in again) == [b"1", b"4", b"5"]
        assert {message.metadata.num_delivered for message in again if message.data == b"1"} == {2}
        for message in (*again, first[2]):
            await message.ack_sync()
        found = await context.consumer_info(OWN, "fetching")
        assert (found.num_ack_pending, found.num_pending) == (0, 0)
        assert await context.delete_consumer(OWN, "fetching")
        with pytest.raises(NotFoundError):
            await context.consumer_info(OWN, "fetching")

    work_as(url_of(reports), work)


def test_a_user_reads_a_stream_without_a_consumer_and_by_a_push_consumer(reports: ConsumerCredentials) -> None:
    async def work(client: Client) -> None:
        context = client.jetstream()
        assert (await context.stream_info(OWN)).state.messages == ROWS
        assert (await context.get_msg(OWN, 2, direct=True)).data == b"1"
        assert (await context.get_last_msg(OWN, "shop1.shop.orders", direct=True)).data == b"5"
        assert (await context.get_msg(OWN, 3)).data == b"2"
        ordered = await context.subscribe("shop1.>", ordered_consumer=True)  # which looks for the stream by its subject
        assert [(await ordered.next_msg(5)).data for _ in range(ROWS)] == [str(n).encode() for n in range(ROWS)]
        push = await context.subscribe("shop1.>", stream=OWN, durable="pushing", manual_ack=True)
        for _ in range(ROWS):
            await (await push.next_msg(5)).ack_sync()
        found = await context.consumer_info(OWN, "pushing")
        assert found.ack_floor.stream_seq == ROWS
        assert found.config.deliver_subject == push.subject

    work_as(url_of(reports), work)


def test_a_user_reads_large_messages_from_the_object_store(reports: ConsumerCredentials) -> None:
    async def work(client: Client) -> None:
        objects = await client.jetstream().object_store(LARGE)
        assert (await objects.get("large")).data == b"x" * 500_000
        with pytest.raises((NatsError, APIError)):
            await objects.put("other", b"y")

    work_as(url_of(reports), work)


# ---- What it may not ----


@pytest.mark.parametrize(
    "subject",
    [
        *(f"$JS.API.STREAM.{what}.{OWN}" for what in ("DELETE", "PURGE", "UPDATE", "MSG.DELETE", "SNAPSHOT")),
        *(f"$JS.API.STREAM.{what}.{OTHER}" for what in ("INFO", "DELETE", "MSG.GET", "PURGE")),
        *("$JS.API.STREAM.CREATE.NEW", "$JS.API.STREAM.LIST", "$JS.API.INFO", f"$JS.API.CONSUMER.LIST.{OWN}"),
        *(f"$JS.API.DIRECT.GET.{OTHER}", f"$JS.API.DIRECT.GET.{OTHER}.shop2.shop.orders"),
        *(f"$JS.API.CONSUMER.CREATE.{OTHER}.c", f"$JS.API.CONSUMER.MSG.NEXT.{OTHER}.c"),
        *("$JS.API.STREAM.INFO.KV_udup_jobs", "$JS.API.DIRECT.GET.KV_udup_jobs.$KV.udup_jobs.x"),
        *("$SYS.REQ.SERVER.PING", "$SYS.REQ.ACCOUNT.UDUP.CONNZ", "udup_consumers.ask.reports~1.NAMES"),
        *("shop1.shop.orders", "shop1", "shop2.shop.orders", "$KV.udup_jobs.x"),
    ],
)
def test_nothing_else_is_answered(reports: ConsumerCredentials, subject: str) -> None:
    async def work(client: Client) -> None:
        with pytest.raises(NoRespondersError):
            await client.request(subject, b'{"seq": 1}', timeout=30)

    work_as(url_of(reports), work)


def test_what_nats_tells_of_connections_is_of_the_users_own(reports: ConsumerCredentials) -> None:
    async def work(client: Client) -> None:
        told = json.loads((await client.request("$SYS.REQ.ACCOUNT.PING.CONNZ", timeout=30)).data)["data"]
        assert [each["cid"] for each in told["connections"]] == [client.client_id]

    work_as(url_of(reports), work)


def test_nothing_that_a_user_sends_gets_out_of_its_account(server: NatsServer, reports: ConsumerCredentials) -> None:
    """Not even where it names other subjects as the place for answers, or for what a push consumer delivers."""
    heard = []

    async def work(client: Client) -> None:
        async with client_of(server.url) as udup:

            async def hear(message: Any) -> None:
                if not message.subject.startswith(("$JS.", "_INBOX", "_R_", "udup_consumers.")):
                    heard.append(message.subject)

            await udup.subscribe("shop1", cb=hear)  # as literal as Udup's own, for push consumers
            await udup.subscribe("udup.job", cb=hear)
            await udup.subscribe("shop2.>", cb=hear)
            await udup.subscribe("shop1.>", cb=hear)
            await udup.subscribe("$KV.>", cb=hear)
            await udup.flush()
            config = ConsumerConfig(durable_name="probing", ack_policy=AckPolicy.NONE)
            await client.jetstream().add_consumer(OWN, config)
            for place in ("shop1", "udup.job", "shop2.x", "shop1.x", "$KV.udup_jobs.x", "$JS.API.STREAM.PURGE.SHOP2"):
                await client.publish(place, b"x")
                await client.publish(f"$JS.API.STREAM.INFO.{OWN}", b"", reply=place)
                await client.publish(f"$JS.API.DIRECT.GET.{OWN}", b'{"seq": 1}', reply=place)
                await client.publish(f"$JS.API.CONSUMER.MSG.NEXT.{OWN}.probing", b"1", reply=place)
                await client.publish("$JS.API.STREAM.NAMES", b"", reply=place)
            for number, place in enumerate(("shop1", "udup.job", "shop2", "$JS.API.INFO")):
                pushing = {"durable_name": f"push{number}", "ack_policy": "none", "deliver_subject": place}
                subject = f"$JS.API.CONSUMER.CREATE.{OWN}.push{number}"
                await client.request(subject, json.dumps({"stream_name": OWN, "config": pushing}).encode(), timeout=30)
            await client.flush()
            context = udup.jetstream()
            seen = await context.stream_info(OWN), await context.stream_info(OTHER)  # behind all that was sent
            await udup.flush()
            assert [each.state.messages for each in seen] == [ROWS, 1]

    work_as(url_of(reports), work)
    assert heard == []


def test_a_user_of_another_stream_cannot_acknowledge_for_a_consumer(
    access: NatsAccess, reports: ConsumerCredentials
) -> None:
    """Neither by an acknowledgement of its own, nor by having an empty answer sent as one."""
    stranger = access.add("stranger", [OTHER])

    async def work(client: Client) -> None:
        pull = await client.jetstream().pull_subscribe("shop1.>", durable="acknowledged", stream=OWN)
        (message,) = await pull.fetch(1, timeout=30)
        async with client_of(url_of(stranger)) as other:
            await other.publish(message.reply, b"")
            await other.jetstream().add_consumer(OTHER, ConsumerConfig(durable_name="none", filter_subject="shop2"))
            await other.publish(f"$JS.API.CONSUMER.MSG.NEXT.{OTHER}.none", b'{"no_wait": true}', reply=message.reply)
            await other.jetstream().stream_info(OTHER)  # behind both
        assert (await client.jetstream().consumer_info(OWN, "acknowledged")).num_ack_pending == 1
        await message.ack_sync()
        assert (await client.jetstream().consumer_info(OWN, "acknowledged")).num_ack_pending == 0

    try:
        work_as(url_of(reports), work)
    finally:
        access.remove("stranger")


def test_a_consumers_configuration_cannot_be_written_so_that_only_nats_understands_it(
    reports: ConsumerCredentials,
) -> None:
    async def work(client: Client) -> None:
        for config, told in (
            ({"durable_name": "odd", "Deliver_Subject": "udup.job"}, "'Deliver_Subject' is no key"),
            ({"durable_name": "odd", "deliver_ſubject": "udup.job"}, "is no key"),
            ([], "no configuration"),
            ({"durable_name": "odd", "metadata": 5}, "no configuration"),
        ):
            asked = json.dumps({"stream_name": OWN, "config": config}).encode()
            answer = await client.request(f"$JS.API.CONSUMER.CREATE.{OWN}.odd", asked, timeout=30)
            assert told in json.loads(answer.data)["error"]["description"]
        for asked in (b"", b"{", b"[1]", json.dumps({"stream_name": OTHER, "config": {}}).encode()):
            answer = await client.request(f"$JS.API.CONSUMER.CREATE.{OWN}.odd", asked, timeout=30)
            assert "error" in json.loads(answer.data)

    work_as(url_of(reports), work)


def test_a_consumer_is_its_creators_alone(access: NatsAccess, reports: ConsumerCredentials, server: NatsServer) -> None:
    other = access.add("other", [OWN])

    async def work(client: Client) -> None:
        async with client_of(url_of(other)) as stranger, client_of(server.url) as udup:
            await udup.jetstream().add_consumer(OWN, ConsumerConfig(durable_name="udups"))
            await client.jetstream().pull_subscribe("shop1.>", durable="mine", stream=OWN)
            context = stranger.jetstream()
            for name in ("mine", "udups"):
                for act in (
                    context.consumer_info(OWN, name),
                    context.delete_consumer(OWN, name),
                    context.add_consumer(OWN, ConsumerConfig(durable_name=name)),
                ):
                    with pytest.raises(APIError, match="another user"):
                        await act
            assert (await client.jetstream().consumer_info(OWN, "mine")).name == "mine"

    try:
        work_as(url_of(reports), work)
    finally:
        access.remove("other")


def test_the_nodes_own_passwords_are_new_and_a_wrong_password_is_refused(reports: ConsumerCredentials) -> None:
    async def nothing(_client: Client) -> None:
        raise AssertionError("it was let in")

    for url in (reports.address, reports.address.replace("//", "//reports.1:wrong@")):
        with pytest.raises((NatsError, OSError)):
            work_as(url, nothing)


def test_services_that_are_not_there_are_told_apart_from_streams(reports: ConsumerCredentials) -> None:
    """A stream that was not given looks like one that is not there: whoever asks learns nothing."""

    async def work(client: Client) -> None:
        for name in (OTHER, "NEVER"):
            with pytest.raises(ServiceUnavailableError):
                await client.jetstream().stream_info(name)

    work_as(url_of(reports), work)
