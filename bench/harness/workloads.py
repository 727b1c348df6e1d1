"""The built-in workloads in the words of the other clients."""

import json
import re

from . import process


def operations(pgtraffic, scenario):
    text = process.run([pgtraffic, "show", scenario]).stdout
    return json.loads("\n".join(line for line in text.splitlines() if not line.lstrip().startswith("//")))["operations"]


def _sql(statement):
    """A text, or its lines."""
    return statement["sql"] if isinstance(statement["sql"], str) else "\n".join(statement["sql"])


def select_statement(pgtraffic):
    """The text of the one statement of `select`, its key as $1."""
    return _sql(operations(pgtraffic, "select")[0]["statements"][0])


def pgbench_scripts(pgtraffic, server, scenario, directory):
    """The statements of a built-in scenario as pgbench scripts with their weights, [(path, weight)]. The
    texts come from the program, so they cannot drift apart; parameters are drawn from the same ranges."""
    scripts = []
    for operation in operations(pgtraffic, scenario):
        for number, statement in enumerate(operation["statements"]):
            lines = [rf"\set p{n} {_pgbench_value(server, parameter)}"
                     for n, parameter in enumerate(statement.get("parameters", []), start=1)]
            lines.append(re.sub(r"\$(\d+)", r":p\1", _sql(statement)) + ";")
            path = f"{directory}/{scenario}-{operation['name']}-{number}.sql"
            with open(path, "w", encoding="utf-8") as script:
                script.write("\n".join(lines) + "\n")
            weight = 100 * operation.get("weight", 1) / len(operation["statements"])
            scripts.append((path, round(weight)))
    return scripts


def sysbench_script(pgtraffic, highest_key, directory):
    """The one statement of `select` as a sysbench script, its path."""
    statement = select_statement(pgtraffic).replace("$1", "?")
    path = f"{directory}/select.lua"
    with open(path, "w", encoding="utf-8") as script:
        script.write(f"""function thread_init()
    connection = sysbench.sql.driver():connect()
    statement = connection:prepare([[{statement}]])
    key = statement:bind_create(sysbench.sql.type.INT)
    statement:bind_param(key)
end

function event()
    key:set(sysbench.rand.uniform(1, {highest_key}))
    statement:execute()
end

function thread_done()
    statement:close()
    connection:disconnect()
end
""")
    return path


def _pgbench_value(server, parameter):
    if "key" in parameter:
        table, column = parameter["key"].rsplit(".", 1)
        high = server.values(f"SELECT max({column}) FROM {table}")[0]
        return f"random(1, {high})"
    if "integer" in parameter:
        return "random({}, {})".format(*parameter["integer"])
    if "pick" in parameter:
        values = sorted(int(value) for value in server.values(parameter["pick"]))
        return f"random({values[0]}, {values[-1]})"
    if "code" in parameter:
        # pgbench cannot retry on a duplicate number: longer ones never meet.
        return "random(1000000000, 999999999999999)"
    if "run_id" in parameter:
        return "1"  # a text of much the same length would be more, and pgbench has none
    raise process.Failed(f"no pgbench equivalent of {parameter}")
