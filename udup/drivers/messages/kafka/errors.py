"""What the client library's errors mean for a job, with what to do: the last place that knows its words.

What a wait heals (brokers away, too few replicas, a quota) is `Unavailable`, what only somebody can change `Refused`,
a second writer `Superseded`; any other ends the run, and the next one begins from the position in the sink.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from confluent_kafka import KafkaError, KafkaException

from udup.base.errors import Fault, Refused, Superseded, Transient, UdupError, Unavailable
from udup.pipeline.checks import DEST

_LOOK = "look at Brokers and SecurityProtocol, at the network between this node and them, and that they run"

_REPLICAS = "start the brokers that are down, or make ReplicationFactor smaller than their number"

#: Errors that time heals, each with advice.
_AWAY: Mapping[int, str] = MappingProxyType(
    {
        **dict.fromkeys(
            (
                *(KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._TIMED_OUT, KafkaError._RESOLVE),
                *(KafkaError._MSG_TIMED_OUT, KafkaError._TIMED_OUT_QUEUE, KafkaError._WAIT_COORD),
                *(KafkaError.REQUEST_TIMED_OUT, KafkaError.NETWORK_EXCEPTION, KafkaError.BROKER_NOT_AVAILABLE),
            ),
            _LOOK,
        ),
        **dict.fromkeys(
            (
                *(KafkaError.LEADER_NOT_AVAILABLE, KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError._ISR_INSUFF),
                *(KafkaError.NOT_ENOUGH_REPLICAS, KafkaError.NOT_ENOUGH_REPLICAS_AFTER_APPEND),
                *(KafkaError.REPLICA_NOT_AVAILABLE, KafkaError.INVALID_REPLICATION_FACTOR),
                *(KafkaError.PREFERRED_LEADER_NOT_AVAILABLE, KafkaError.ELIGIBLE_LEADERS_NOT_AVAILABLE),
            ),
            _REPLICAS,
        ),
        **dict.fromkeys(
            (
                *(KafkaError.COORDINATOR_NOT_AVAILABLE, KafkaError.COORDINATOR_LOAD_IN_PROGRESS),
                *(KafkaError.NOT_COORDINATOR, KafkaError.NOT_CONTROLLER, KafkaError.CONCURRENT_TRANSACTIONS),
                *(KafkaError.OFFSET_NOT_AVAILABLE, KafkaError.TRANSACTION_COORDINATOR_FENCED),
            ),
            "the brokers are changing over: this passes by itself",
        ),
        KafkaError.KAFKA_STORAGE_ERROR: "look at the disks of the brokers",
        KafkaError.THROTTLING_QUOTA_EXCEEDED: "raise the quota of this user there, or wait",
    }
)

#: Errors of a writer whose transactional ID another one has taken, or whose transaction has timed out.
_FENCED = (KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH)

_SIGN_IN = "look at User, Password, SecurityProtocol and SaslMechanism in KafkaConfig"

_SIZE = (
    "raise MaxMessageBytes in KafkaConfig together with max.message.bytes of the topic (message.max.bytes of the"
    " brokers), or write LargeMessages skip-values"
)

#: Errors that only somebody can change, each with what to do.
_FINAL: Mapping[int, str] = MappingProxyType(
    {
        KafkaError._AUTHENTICATION: _SIGN_IN,
        KafkaError.SASL_AUTHENTICATION_FAILED: _SIGN_IN,
        KafkaError.UNSUPPORTED_SASL_MECHANISM: _SIGN_IN,
        KafkaError.ILLEGAL_SASL_STATE: _SIGN_IN,
        KafkaError.TOPIC_AUTHORIZATION_FAILED: "allow this user Create, Write, Read and Describe on the topics that"
        " begin with the prefix",
        KafkaError.CLUSTER_AUTHORIZATION_FAILED: "allow this user Create and IdempotentWrite on the cluster, or make"
        " the topics yourself and write CreateTopics false",
        KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED: "allow this user Write and Describe on the transactional IDs"
        " that begin with udup-, or write Transactional false",
        KafkaError.GROUP_AUTHORIZATION_FAILED: "allow this user Read on the group udup",
        KafkaError.UNSUPPORTED_VERSION: "Kafka 2.5 or newer is needed for transactions; or write Transactional false",
        KafkaError._UNSUPPORTED_FEATURE: "Kafka 2.5 or newer is needed for transactions; or write Transactional false",
        KafkaError.UNSUPPORTED_FOR_MESSAGE_FORMAT: "set log.message.format.version there to 2.5 or newer",
        KafkaError.INVALID_TRANSACTION_TIMEOUT: "set transaction.max.timeout.ms of the brokers to 60000 or more",
        KafkaError.UNSUPPORTED_COMPRESSION_TYPE: "write another Compression",
        KafkaError.POLICY_VIOLATION: "make the topic yourself as the brokers' policy wants it",
        KafkaError.TOPIC_EXCEPTION: "choose another prefix: letters, digits, `.`, `_` and `-`",
        KafkaError.INVALID_PARTITIONS: "write another number of Partitions",
        KafkaError.INVALID_CONFIG: "make the topic yourself",
        KafkaError._INVALID_ARG: "look at KafkaConfig",
        KafkaError.INVALID_RECORD: "the topic takes no such record (a compacted topic takes none without a key): set"
        " its cleanup.policy to delete",
        KafkaError.MSG_SIZE_TOO_LARGE: _SIZE,
        KafkaError.RECORD_LIST_TOO_LARGE: _SIZE,
    }
)

#: Words of a TLS error that no wait heals.
_CERTIFICATE = ("certificate", "verify", "wrong version", "unknown ca", "alert", "key")


class Heard:
    """What the library has told by callbacks. The calls themselves only time out where a broker turns Udup away."""

    def __init__(self) -> None:
        self._last: KafkaError | None = None

    def __call__(self, error: KafkaError) -> None:
        """Note an error. One that no wait heals stays noted when others follow it, and one that says what has happened
        when it is followed by the word that all brokers are down now.
        """
        if self._last is None or not (_is_final(self._last) or error.code() == KafkaError._ALL_BROKERS_DOWN):
            self._last = error

    def forget(self) -> None:
        """The brokers have answered."""
        self._last = None

    @property
    def last(self) -> KafkaError | None:
        return self._last

    def behind(self, error: KafkaError) -> KafkaError:
        """Return the reason of an error that only says that nobody answered."""
        silent = error.code() in _AWAY and _AWAY[error.code()] is _LOOK
        return self._last if silent and self._last is not None else error


def _is_final(error: KafkaError) -> bool:
    code = error.code()
    if code == KafkaError._SSL:
        return any(word in error.str().lower() for word in _CERTIFICATE)
    return code in _FINAL


def failure(error: KafkaException | KafkaError, doing: str, heard: Heard | None = None) -> UdupError:
    """Return what an error means; `doing` is what was tried, and on what."""
    found = error.args[0] if isinstance(error, KafkaException) else error
    if not isinstance(found, KafkaError):
        return Transient(f"{doing}: {found}")
    if heard is not None:
        found = heard.behind(found)
    code, told = found.code(), f"{found.str()} ({found.name()})"
    if code in _FENCED:
        return Superseded(
            f"{doing}: another run of this job writes there, or a transaction took longer than its timeout: {told}"
        )
    if code == KafkaError._SSL:
        remedy = "look at SslCa, SslCert and SslKey, and that the certificate names the host in Brokers"
        return Refused([Fault(doing, told, remedy, DEST)]) if _is_final(found) else Unavailable(f"{doing}: {told}")
    if code in _FINAL:
        return Refused([Fault(doing, told, _FINAL[code], DEST)])
    if code in _AWAY:
        return Unavailable(f"{doing}: {told} -- {_AWAY[code]}")
    return Transient(f"{doing}: {told}")
