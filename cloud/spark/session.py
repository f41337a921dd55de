"""A Spark that fits beside everything else on a small machine."""

import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cloud.spark.errors import StreamError
from cloud.spark.settings import Spark

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_log = logging.getLogger(__name__)

_HERE = Path(__file__).parent

# Serial collection. What a task hands to the driver are large arrays that die at once: a young
# generation that holds a batch of them spares copying them, 321,000 readings a second for 242,000.
_JAVA_OPTIONS = (
    "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:MaxMetaspaceSize=256m "
    "-XX:ReservedCodeCacheSize=64m -Xms512m -Xmn256m "
    f"-Dlog4j2.configurationFile={_HERE / 'log4j2.properties'} "
    "-Djava.net.preferIPv4Stack=true"
)

_JVM_ENDS_S = 10.0

_PROPERTIES = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "256",
    "spark.sql.execution.arrow.maxBytesPerBatch": "16777216",
    "spark.driver.maxResultSize": "0",
    "spark.python.worker.reuse": "true",
    "spark.python.use.daemon": "true",
    "spark.sql.streaming.minBatchesToRetain": "2",
    "spark.sql.streaming.numRecentProgressUpdates": "1",
    "spark.sql.streaming.stopTimeout": "20s",
    "spark.sql.streaming.pollingDelay": "25ms",
    "spark.sql.streaming.metricsEnabled": "false",
    "spark.sql.ui.retainedExecutions": "1",
    "spark.ui.retainedJobs": "1",
    "spark.ui.retainedStages": "1",
    "spark.ui.retainedTasks": "10",
    "spark.cleaner.periodicGC.interval": "3min",
    "spark.eventLog.enabled": "false",
    "spark.task.maxFailures": "1",
}


def jars(folder: str) -> str:
    """Return the connector's jars, comma separated; raises StreamError if there are none."""
    found = sorted(str(file) for file in Path(folder).glob("*.jar"))
    if not found:
        msg = f"no jars in {folder}: `make setup` fetches Spark's connector for Kafka"
        raise StreamError(msg)
    return ",".join(found)


def start(settings: Spark) -> "SparkSession":
    """Start Spark in this process's JVM, or connect to the cluster that `master` names."""
    # Executors must import from the environment that the driver runs in.
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    checkout = str(_HERE.parent.parent)
    os.environ["PYTHONPATH"] = os.pathsep.join(
        filter(None, [checkout, os.environ.get("PYTHONPATH", "")])
    )
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master(settings.master).appName("fieldline stream")
    properties = _PROPERTIES | {
        "spark.jars": jars(settings.jars),
        "spark.driver.memory": settings.driver_memory,
        "spark.driver.extraJavaOptions": _JAVA_OPTIONS,
    }
    for key, value in (properties | settings.properties).items():
        builder = builder.config(key, value)
    try:
        session = builder.getOrCreate()
    except Exception as error:  # py4j raises what the JVM raised
        msg = f"Spark does not start: {' '.join(str(error).split())[:400]}"
        raise StreamError(msg) from error
    session.sparkContext.setLogLevel("WARN")
    return session


def stop(session: "SparkSession") -> None:
    """Stop Spark and see its JVM end, so that whoever waits for this process waits for both.

    The JVM ends when its standard input does; left alone, that is after this process.
    """
    from pyspark import SparkContext

    gateway = SparkContext._gateway
    process: subprocess.Popen[bytes] | None = getattr(gateway, "proc", None)
    try:
        session.stop()
    except Exception as error:  # noqa: BLE001 -- py4j; a JVM that is gone cannot be stopped
        _log.warning("Spark did not stop in order: %s", " ".join(str(error).split())[:200])
    if process is None or process.stdin is None:
        return
    process.stdin.close()
    try:
        process.wait(_JVM_ENDS_S)
    except subprocess.TimeoutExpired:
        _log.warning("Spark's JVM did not end within %.0f s: killed", _JVM_ENDS_S)
        process.kill()
        process.wait()
