"""What is looked at, in the order in which one thing needs another."""

from functools import partial

from cloud.stack.doctor import certificates, machine, probe, servers
from cloud.stack.doctor.checkup import Check
from cloud.stack.doctor.stack import Stack

CHECKS: tuple[Check[Stack], ...] = (
    Check("settings", machine.settings),
    Check("secrets", machine.secrets),
    Check("disk", machine.disk),
    Check("folder", machine.writable),
    Check("memory", machine.memory),
    Check("clock", machine.clock),
    Check("java", machine.jvm),
    Check("certificates", certificates.certificates, needs=("settings",)),
    Check("supervisor", servers.supervisor),
    Check("postgres", servers.postgres, needs=("supervisor", "secrets")),
    Check("broker", servers.broker, needs=("supervisor", "secrets", "certificates")),
    Check("kafka", servers.kafka, needs=("supervisor",)),
    Check("api", servers.api, needs=("supervisor", "secrets", "certificates")),
    Check("bridge", partial(servers.progress, stage="bridge"), needs=("broker", "kafka")),
    Check("stream", partial(servers.progress, stage="stream"), needs=("kafka", "postgres")),
    Check("grafana", servers.grafana, needs=("supervisor",)),
    Check("reading", probe.travel, needs=("bridge", "stream")),
)
