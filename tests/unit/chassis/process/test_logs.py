import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from chassis.process import logs


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, raises = root.handlers[:], root.level, logging.raiseExceptions
    yield
    root.handlers[:], root.level, logging.raiseExceptions = handlers, level, raises
    structlog.reset_defaults()


def test_a_fact_is_one_line_of_JSON_whatever_is_in_it() -> None:
    output = io.StringIO()
    logs.configure("INFO", stream=output)

    structlog.get_logger("mill").info("wheel_turned", name="a\nb", count=3)

    (line,) = output.getvalue().splitlines()
    fact = json.loads(line)
    assert (fact["event"], fact["name"], fact["count"], fact["level"]) == ("wheel_turned", "a\nb", 3, "info")
    assert fact["timestamp"].endswith("Z")


def test_libraries_log_in_the_same_form() -> None:
    output = io.StringIO()
    logs.configure("INFO", stream=output)

    logging.getLogger("library").warning("careful")

    assert json.loads(output.getvalue())["event"] == "careful"


def test_a_caller_who_left_while_the_answer_was_sent_is_no_traceback_and_all_else_of_grpc_is_logged() -> None:
    output = io.StringIO()
    logs.configure("INFO", stream=output)

    try:
        raise ValueError("Failed grpc_call_start_batch")
    except ValueError:
        logging.getLogger("grpc._cython.cygrpc").exception(
            "ExecuteBatchError raised in core by servicer method [%s]", "/mill/Grind"
        )
    logging.getLogger("grpc._cython.cygrpc").error("Unexpected [%s]", "RuntimeError")

    assert [json.loads(line)["event"] for line in output.getvalue().splitlines()] == ["Unexpected [RuntimeError]"]


def test_what_is_below_the_level_is_not_logged() -> None:
    output = io.StringIO()
    logs.configure("WARNING", stream=output)

    structlog.get_logger("mill").info("wheel_turned")

    assert output.getvalue() == ""


def test_a_person_gets_text() -> None:
    output = Terminal()
    logs.configure("INFO", stream=output)

    structlog.get_logger("mill").info("wheel_turned", count=3)

    assert "wheel_turned" in output.getvalue()
    assert not output.getvalue().startswith("{")


def test_a_log_that_cannot_be_written_stops_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    output = io.StringIO()
    logs.configure("INFO", stream=output)
    output.close()

    structlog.get_logger("mill").info("wheel_turned")

    assert capsys.readouterr().err == ""
