"""Layers of programs around a text: psql, node, and programs that copy a script."""

from __future__ import annotations

import json

from guard_support.nester import Nester

__all__ = ["PROGRAMS", "SPAWNED", "UNUSED_TEXTS"]


# psql


def _psql(nester: Nester, text: str) -> str:
    prepared, command = nester.command(text)
    psql = nester.pick("psql -h localhost", "psql -X -q -h 127.0.0.1 -U postgres", "psql --host=localhost app")
    return prepared + _started_by(nester, psql, _meta_command(nester, command))


def _meta_command(nester: Nester, command: str) -> str:
    """Return one line of psql that starts a command."""
    quoted = command.replace("'", "''")
    # psql reads a backtick as the end of the command.
    assigned = f"\\set x `{command}`" if "`" not in command else f"\\! {command}"
    return nester.pick(
        f"\\! {command}",
        f"\\o |{command}",
        f"\\copy t from program '{quoted}'",
        f"\\copy (select 1) to program '{quoted}' csv",
        assigned,
        f"select 1 \\g |{command}",
        f"select 1 \\gx |{command}",
        f"select 1 \\w |{command}",
    )


def _started_by(nester: Nester, psql: str, line: str) -> str:
    mark, file = nester.name().upper(), f"{nester.name()}.sql"
    script = nester.pick(f"{line}\n", f"select 1;\n{line}\n", f"-- note\nselect 'a\n';\n{line}\n")
    ways = [
        f"{psql} <<'{mark}'\n{script}{mark}\n",
        f"printf %s {nester.quoted(script)} | {psql}",
        f"{psql} <<< {nester.quoted(line)}",
    ]
    if line.startswith("\\"):  # with -c, psql sends SQL to the server as it stands
        ways += [f"{psql} -c {nester.quoted(line)}", f"{psql} -c 'select 1' --command={nester.quoted(line)}"]
    way = nester.random.randrange(len(ways) + 2)
    if way < len(ways):
        return ways[way]
    option = nester.pick(f"-f {file}", f"-f{file}", f"--file={file}", f"-c '\\i {file}'", f"< {file}")
    return f"{nester.placed(file, script)}{psql} {option}"


def _in_sql(nester: Nester, text: str) -> str:
    """Write the text where psql reads no command: in a string, in a comment, in what is printed."""
    prepared, command = nester.command(text)
    quoted = command.replace("'", "''")
    selected = nester.quoted(f"select '{quoted}'")
    return prepared + nester.pick(
        f"psql -h localhost -c {selected}",
        f"psql -h localhost <<'SHOWN'\nselect '\n\\! {quoted}\n';\nSHOWN\n",
        f"psql -h localhost <<'SHOWN'\n-- \\! {command}\nselect 1;\nSHOWN\n",
        f"echo {selected} | psql -h localhost",
    )


# node


def _node(nester: Nester, text: str) -> str:
    prepared, command = nester.command(text)
    whole, line, bash = json.dumps(text), json.dumps(command), "shell: '/bin/bash'"
    scripts = (
        ("execSync", f"execSync({whole}, {{ {bash} }})"),
        ("execSync", f"execSync({_template(text)}, {{ {bash}, stdio: 'inherit' }})"),
        ("execSync", f"execSync({line})"),
        ("execSync", f"const line = {line}\nexecSync(line)"),
        ("execSync", f"const start = (text) => execSync(text, {{ {bash} }})\nstart({_template(text)})"),
        ("execSync", "const run = 'bash -c'\nexecSync(`${run} '. ./${file}'`)"),
        ("execFileSync", f"execFileSync('bash', ['-c', {whole}])"),
        ("spawnSync", f"spawnSync('bash', ['-c', {whole}], {{ stdio: 'inherit' }})"),
        ("spawn", f"const words = ['-c', {whole}]\nspawn('bash', words)"),
        ("exec", f"exec({line}, (error) => console.log(error))"),
    )
    function, script = nester.random.choice(scripts)
    if "${file}" in script:
        file = f"{nester.name()}.sh"
        prepared += nester.placed(file, text)
        script = f"const file = '{file}'\n{script}"
    return prepared + _run_by_node(nester, function, script)


def _template(text: str) -> str:
    return "`" + text.replace("\\", "\\\\").replace("`", "\\`").replace("${", "\\${") + "`"


def _run_by_node(nester: Nester, function: str, script: str) -> str:
    """Return shell text that runs a script, which calls a function of `child_process`, in one of node's ways."""
    module, name = nester.pick("child_process", "node:child_process"), nester.name()
    file, code = nester.random.choice(
        [
            (f"{name}.mjs", f"import {{ {function} }} from '{module}'\n{script}\n"),
            (f"{name}.js", f"const {{ {function} }} = require('{module}')\n{script}\n"),
            (f"{name}.cjs", f"const cp = require('{module}')\n{script.replace(f'{function}(', f'cp.{function}(')}\n"),
        ]
    )
    start = nester.pick(f"node {file}", f"node ./{file}", f"node --no-warnings {file}")
    if file.endswith(".mjs") or nester.random.random() < 0.5:
        return f"{nester.placed(file, code)}{start}"
    if nester.random.random() < 0.4:
        return f"{nester.placed(file, code)}{nester.pick(f'node < {file}', f'cat {file} | node', f'node - < {file}')}"
    mark = name.upper()
    return nester.pick(
        f"node <<'{mark}'\n{code}{mark}\n",
        f"node -e {nester.quoted(code)}",
        f"printf %s {nester.quoted(code)} | node -",
    )


def _spawned(nester: Nester, words: tuple[str, ...]) -> str:
    """Give the words to node as a list."""
    program, rest, every = json.dumps(words[0]), json.dumps(list(words[1:])), json.dumps(list(words))
    function, script = nester.random.choice(
        [
            ("spawnSync", f"spawnSync({program}, {rest}, {{ stdio: 'inherit' }})"),
            ("spawnSync", f"const words = {every}\nspawnSync(words[0], words.slice(1))"),
            ("execFileSync", f"execFileSync({program}, {rest})"),
            ("spawn", f"const rest = {rest}\nspawn({program}, [...rest])"),
        ]
    )
    return _run_by_node(nester, function, script)


def _in_a_string(nester: Nester, text: str) -> str:
    """Print the text, or keep it in a file that node only checks."""
    code = f"console.log({json.dumps(text)})\n"
    file = f"{nester.name()}.cjs"
    start = nester.pick(f"node {file}", f"node -e {nester.quoted(code)}")
    return nester.placed(file, code) + start


# Copies


def _copied(nester: Nester, text: str) -> str:
    script = f"#!/bin/bash\n{text}\n"
    file, copy = f"{nester.name()}.sh", f"{nester.name()}.sh"
    folder = nester.name()
    made, started = nester.random.choice(
        [
            (f"cp {file} {copy}", copy),
            (f"cp -p -- {file} {copy}", copy),
            (f"mv {file} {copy}", copy),
            (f"mkdir {folder}; cp -t {folder} {file}", f"{folder}/{file}"),
            (f"mkdir {folder}; cp {file} {folder}", f"{folder}/{file}"),
            (f"mkdir {folder}; mv {file} {folder}/", f"{folder}/{file}"),
            (f"mkdir {folder}; cp {file} {folder}/; cp -r {folder} {folder}b", f"{folder}b/{file}"),
            (f"ln -s {file} {copy}", copy),
            (f'ln -s "$PWD/{file}" {copy}', copy),
            (f"ln {file} {copy}", copy),
            (f"install -m 755 {file} {copy}", copy),
            (f"install -D {file} {folder}/{copy}", f"{folder}/{copy}"),
            (f"cat {file} > {copy}", copy),
            (f"cat < {file} > {copy}", copy),
            (f"tee {copy} < {file} > /dev/null", copy),
            (f"dd if={file} of={copy} status=none", copy),
            (f"head -n 999 {file} > {copy}", copy),
            (f"sed -n p {file} > {copy}", copy),
            (f"cp {file} {copy}; rm {file}", copy),
        ]
    )
    start = nester.pick(f"bash {started}", f"bash ./{started}", f". ./{started}", f"chmod +x {started}; ./{started}")
    return f"{nester.placed(file, script)}{made}{nester.pick('; ', ' && ', chr(10))}{start}"


def _committed(nester: Nester, text: str) -> str:
    """Read the script from the repository."""
    file, copy = f"{nester.name()}.sh", f"{nester.name()}.sh"
    nester.files[file] = f"{text}\n"
    nester.is_committed = True
    return nester.pick(
        f"git show HEAD:{file} > {copy}; bash {copy}",
        f"git show HEAD:./{file} > {copy} && . ./{copy}",
        f"git show HEAD:{file} | bash",
        f"rm {file}; git show HEAD:{file} > {file}; bash {file}",
    )


def _only_copied(nester: Nester, text: str) -> str:
    file, copy = f"{nester.name()}.sh", f"{nester.name()}.sh"
    made = nester.pick("cp", "mv", "ln -s", "install", "cat")
    return f"{nester.placed(file, text)}{made} {file} {'> ' if made == 'cat' else ''}{copy}; wc -l {copy}"


PROGRAMS = (_psql, _node, _copied, _copied, _committed)
SPAWNED = _spawned
UNUSED_TEXTS = (_in_sql, _in_a_string, _only_copied)
