#!/usr/bin/python3
"""Checks JSON results against their schema with python3-jsonschema.

usage: validate_result.py SCHEMA RESULT...
       validate_result.py --lines DEFINITION SCHEMA FILE...
       validate_result.py --serve SCHEMA

With --lines each line of the files is a document of its own, described by that definition in the schema. The
schema itself is checked first. Exit code 0: everything is valid; 1: something is not, and the places are
printed; 2: a file cannot be read.

With --serve a document is a line of stdin, and the answer to it a line "valid" or "invalid: PLACES": to start
Python and to read the schema takes longer than hundreds of documents.
"""
import json
import sys

import jsonschema


def no_constant(name):
    raise ValueError(f"{name} is not JSON")


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file, parse_constant=no_constant)


def load_lines(path):
    with open(path, encoding="utf-8", newline="\n") as file:
        text = file.read()
    if text and not text.endswith("\n"):
        raise ValueError(f"{path}: its last line is not complete")
    lines = text.split("\n")[:-1]
    return [(f"{path}:{n}", json.loads(line, parse_constant=no_constant)) for n, line in enumerate(lines, 1)]


def validator_of(schema):
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())


def complaints(validator, document):
    for error in sorted(validator.iter_errors(document), key=lambda e: list(map(str, e.absolute_path))):
        place = "/".join(map(str, error.absolute_path)) or "(root)"
        yield f"{place}: {error.message[:300]}"


def serve(schema):
    validator = validator_of(load(schema))
    for line in sys.stdin:
        try:
            found = list(complaints(validator, json.loads(line, parse_constant=no_constant)))
        except ValueError as error:
            found = [str(error)]
        print(json.dumps("invalid: " + "; ".join(found)) if found else "valid", flush=True)
    return 0


def main(*arguments):
    if arguments[0] == "--serve":
        return serve(arguments[1])
    try:
        if arguments[0] == "--lines":
            schema = load(arguments[2])
            results = [line for path in arguments[3:] for line in load_lines(path)]
            schema = {"$schema": schema["$schema"], "$defs": schema["$defs"], "$ref": f"#/$defs/{arguments[1]}"}
        else:
            schema = load(arguments[0])
            results = [(path, load(path)) for path in arguments[1:]]
    except (OSError, ValueError) as error:
        print(error)
        return 2
    validator = validator_of(schema)
    broken = 0
    for path, result in results:
        for complaint in complaints(validator, result):
            print(f"{path}: {complaint}")
            broken += 1
    return 1 if broken else 0


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
