"""`make run`: starts every server in order, keeps each alive, ends all in reverse.

Says in plain words what it does; what the services say is in `var/log`. One lock file makes sure
that one supervisor has the folder. Ctrl-C and SIGTERM end everything; a second one does it at once.
After a hard kill the kernel ends the children, and the next start ends what it may have left.
"""

import fcntl
import json
import os
import select
import signal
import socket
import sys
import time
from pathlib import Path
from types import FrameType

from ..demo import logins
from . import (
    broker,
    catalogues,
    environment,
    leftovers,
    postgres,
    preparation,
    processes,
    services,
)
from .errors import CannotStart
from .services import Service

LONGEST_PAUSE = 30.0  # seconds between two starts of what keeps dying
STEADY = 60.0  # seconds after which a service counts as healthy again


class Asked(Exception):
    """A person or the system asked us to stop while we were starting."""


def say(text: str) -> None:
    """One line for the person at the terminal; a terminal that went away is no reason to fail."""
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except OSError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  for the rest of our life


def listen(port: int, hint: str) -> socket.socket:
    """A listening socket on this machine alone, held open for a child that may come and go."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except (OSError, OverflowError) as problem:
        listener.close()
        raise CannotStart(f"Port {port} cannot be had: {problem}. {hint}") from problem
    listener.listen(256)
    return listener


class Lock:
    """The one lock of a folder. Its file says who has it, for people."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle: int | None = None

    def take(self, base_url: str, seconds: float = 20.0) -> None:
        """Take it; wait while the one that has it is stopping."""
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        end = time.monotonic() + seconds
        told = False
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                holder = self._holder()
                if not holder.get("stopping") or time.monotonic() > end:
                    os.close(handle)
                    raise CannotStart(
                        f"Recovery already runs here: {holder.get('address', '')} (process "
                        f"{holder.get('pid', '?')}). Stop that one first, or set RECOVERY_VAR to "
                        "another folder."
                    ) from None
                if not told:
                    say("Waiting for the one that is stopping")
                    told = True
                time.sleep(0.1)
        self._handle = handle
        self.tell({"pid": os.getpid(), "address": base_url})

    def _holder(self) -> dict[str, object]:
        try:
            holder: dict[str, object] = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return holder

    def tell(self, content: dict[str, object]) -> None:
        """Write who we are, or that we are stopping."""
        if self._handle is not None:
            os.ftruncate(self._handle, 0)
            os.pwrite(self._handle, json.dumps(content).encode(), 0)

    def release(self) -> None:
        """Give it back; also done by the system, however we end."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


class Supervisor:
    """One start of the whole stack."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.base_url = f"http://127.0.0.1:{port}"
        self.place = environment.place(os.environ)
        self.lock = Lock(self.place.lock)
        self.services: list[Service] = []
        # Held open for as long as we live: a child that is started again gets the same socket.
        self.listeners: list[socket.socket] = []
        self.asked = 0
        self._bell_in, self._bell_out = socket.socketpair()

    # -- signals and time -------------------------------------------------------------------

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if number != signal.SIGCHLD:
            self.asked += 1

    def _listen_to_signals(self) -> None:
        for end in (self._bell_in, self._bell_out):
            end.setblocking(False)
        signal.set_wakeup_fd(self._bell_in.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, self._on_signal)

    def _pause(self, seconds: float) -> None:
        """Wait, at most so long; a signal or the end of a child cuts it short."""
        if select.select([self._bell_out], [], [], seconds)[0]:
            try:
                self._bell_out.recv(4096)
            except BlockingIOError:
                return

    # -- one service ------------------------------------------------------------------------

    def _spawn(self, service: Service) -> None:
        service.before()
        services.trim(service.log)
        service.log_from = service.log.stat().st_size if service.log.exists() else 0
        with open(service.log, "ab") as output:
            service.process = processes.spawn(
                service.command,
                env=service.env,
                cwd=environment.ROOT,
                output=output,
                death_signal=service.stop_signal,
                identity=service.identity,
                pass_fds=service.pass_fds,
            )
        service.started_at = time.monotonic()
        service.due_at = None
        service.answered = False
        self._record()

    def _record(self) -> None:
        leftovers.write(
            self.place.children,
            {
                service.name: service.process.pid
                for service in self.services
                if service.process is not None and service.process.poll() is None
            },
        )

    def _start(self, *together: Service) -> None:
        """Start services and wait until each answers."""
        began = time.monotonic()
        for service in together:
            self.services.append(service)
            self._spawn(service)
        waiting = list(together)
        while waiting:
            self._heed()
            for service in list(waiting):
                assert service.process is not None
                if service.process.poll() is not None:
                    raise CannotStart(self._why(service, "ended at once"))
                if service.ready(service):
                    service.answered = True
                    waiting.remove(service)
                    say(f"  {service.name} is ready ({time.monotonic() - began:.1f} s)")
                elif time.monotonic() - began > service.start_seconds:
                    raise CannotStart(self._why(service, "did not answer in time"))
            if waiting:
                self._pause(0.05)

    def _why(self, service: Service, what: str) -> str:
        tail = "\n".join(f"    {line}" for line in service.said().splitlines()[-15:])
        return f"The {service.name} {what}. The end of {service.log}:\n{tail}"

    def _heed(self) -> None:
        if self.asked:
            raise Asked

    # -- starting ---------------------------------------------------------------------------

    def _step(self, text: str, arguments: list[str], env: dict[str, str]) -> None:
        """Run one command of manage.py."""
        say(text)
        log = self.place.logs / "preparation.log"
        with open(log, "ab") as output:
            begin = output.tell()
            process = processes.spawn(
                preparation.command(arguments), env=env, cwd=environment.ROOT, output=output
            )
        while process.poll() is None:
            if self.asked:
                processes.stop(process, signal.SIGTERM, 5)
                raise Asked
            self._pause(0.1)
        if process.returncode != 0:
            with log.open("rb") as file:
                file.seek(begin)
                tail = file.read().decode(errors="replace").splitlines()[-15:]
            raise CannotStart(
                f"manage.py {' '.join(arguments)} failed. The end of {log}:\n"
                + "\n".join(f"    {line}" for line in tail)
            )

    def _prepare(self, decisions: environment.Decisions, system: str) -> None:
        """Everything between an empty database and a usable product; skipped when it is done.

        `system` names the embedded database, and is empty with one of the person's own.
        """
        for name in catalogues.compile_stale():
            say(f"Compiled {name}")
        now = preparation.fingerprint()
        note = preparation.remembered(self.place, system) if system else {}
        if note.get("schema") != now:
            for text, arguments in preparation.schema_steps(decisions):
                self._step(text, arguments, decisions.for_owner(os.environ))
            if not decisions.two_roles:
                say(
                    "One role both migrates and runs: audit and ledger rows are kept by triggers "
                    "alone. Set DATABASE_OWNER_URL to use two."
                )
            note = {**note, "system": system, "schema": now}
            if system:
                preparation.remember(self.place, note)
        if os.environ.get("RECOVERY_DEMO") != "0" and note.get("demo") != "made":
            text, arguments = preparation.DEMO
            self._step(text, arguments, decisions.for_children(os.environ))
            if system:
                preparation.remember(self.place, {**note, "demo": "made"})

    def _databases(self) -> tuple[postgres.Postgres | None, str]:
        if os.environ.get("DATABASE_URL"):
            say("Using the database of DATABASE_URL")
            return None, ""
        folder = self.place.var / "database"
        say(f"Starting PostgreSQL in {folder}")
        server = postgres.Postgres(folder, self.place.sockets)
        found = server.clear_stale()
        if found:
            say(f"  {found}")
        if server.prepare():
            say("  made a new database")
        self._start(services.database(server, self.place.logs))
        server.prepare_roles()
        return server, server.system_identifier()

    def _brokers(self) -> str | None:
        if os.environ.get("REDIS_URL"):
            say("Using the broker of REDIS_URL")
            return None
        folder = self.place.var / "broker"
        say(f"Starting Valkey in {folder}")
        server = broker.Broker(folder, self.place.sockets)
        server.prepare()
        self._start(services.queue(server, self.place.logs))
        return server.url()

    def _bring_up(self, web_listener: socket.socket) -> None:
        server, system = self._databases()
        broker_url = self._brokers()
        mail_listener = None if os.environ.get("EMAIL_URL") else listen(0, "")
        self.listeners += [mail_listener] if mail_listener is not None else []
        decisions = environment.decide(
            self.place,
            os.environ,
            base_url=self.base_url,
            mail_port=None if mail_listener is None else mail_listener.getsockname()[1],
            database=server,
            broker_url=broker_url,
        )
        decisions.write(self.place.var / "embedded.env")
        self._heed()
        self._prepare(decisions, system)
        env = {**decisions.for_children(os.environ), "PYTHONUNBUFFERED": "1"}
        logs = self.place.logs
        say("Starting the web server, the worker and the clock")
        together = [services.web(web_listener, logs, env)]
        if mail_listener is not None:
            # Receipts never leave this machine, whatever address customers are given.
            mail_env = {**env, "PUBLIC_BASE_URL": self.base_url}
            together.insert(0, services.mail(mail_listener, self.place.var, mail_env))
        self._start(
            *together, services.worker(self.place.var, env), services.beat(self.place.var, env)
        )

    def _announce(self, began: float) -> None:
        if os.environ.get("RECOVERY_DEMO") != "0":
            say(f"\nSign in as one of these, with the password {logins.DEMO_PASSWORD}:\n")
            say(f"{logins.table('en')}\n")
        say(f"Recovery is at {self.base_url} ({time.monotonic() - began:.1f} s). Ctrl-C stops it.")

    # -- watching and ending ----------------------------------------------------------------

    def _watch(self) -> None:
        """Start again what ends, at once the first time, then ever later, until we are asked."""
        looked_at_logs = time.monotonic()
        while not self.asked:
            now = time.monotonic()
            for service in self.services:
                self._look_after(service, now)
            if now - looked_at_logs > 60:
                looked_at_logs = now
                for service in self.services:
                    services.trim(service.log)
            busy = any(not service.answered for service in self.services)
            self._pause(0.2 if busy else 1.0)

    def _look_after(self, service: Service, now: float) -> None:
        assert service.process is not None
        code = service.process.poll()
        if code is None:
            if not service.answered and service.ready(service):
                service.answered = True
                say(f"  {service.name} is ready again")
            if service.answered and now - service.started_at > STEADY:
                service.failures = 0
            return
        if service.due_at is None:
            processes.signal_group(service.process.pid, signal.SIGKILL)
            wait = (
                0.0 if not service.failures else min(2.0 ** (service.failures - 1), LONGEST_PAUSE)
            )
            service.failures += 1
            service.due_at = now + wait
            service.answered = False
            how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended ({code})"
            say(
                f"The {service.name} {how}; starting it again"
                + (f" in {wait:.0f} s" if wait else "")
            )
        if now >= service.due_at:
            try:
                self._spawn(service)
            except (OSError, CannotStart) as problem:
                say(f"  The {service.name} cannot be started: {problem}")
                service.due_at = now + LONGEST_PAUSE

    def _end(self) -> None:
        """End everything in reverse: first those that use the servers, then the servers."""
        self.lock.tell({"pid": os.getpid(), "address": self.base_url, "stopping": True})
        asked_before = self.asked
        users = [each for each in self.services if each.name not in {"broker", "database"}]
        servers = [each for each in self.services if each.name in {"broker", "database"}]
        for group in (users, *([each] for each in reversed(servers))):
            for service in reversed(group):
                if service.process is not None and service.process.poll() is None:
                    service.process.send_signal(service.stop_signal)
            for service in reversed(group):
                self._wait_end(service, asked_before)
        self.place.children.unlink(missing_ok=True)

    def _wait_end(self, service: Service, asked_before: int) -> None:
        process = service.process
        if process is None:
            return
        end = time.monotonic() + service.stop_seconds
        while process.poll() is None and time.monotonic() < end:
            if self.asked > asked_before + 1:
                break
            self._pause(0.1)
        in_time = process.poll() is not None
        processes.stop(process, signal.SIGKILL, 10)
        say(f"  {service.name} has stopped" if in_time else f"  {service.name} was cut off")

    def run(self) -> int:
        """The whole life; the exit status."""
        began = time.monotonic()
        self.lock.take(self.base_url)
        self._listen_to_signals()
        try:
            for name in leftovers.end(self.place.children):
                say(f"Ended the {name} that an earlier start left behind")
            listener = listen(self.port, "Choose another: make run PORT=8001")
            self.listeners.append(listener)
            try:
                self._bring_up(listener)
                self._announce(began)
                self._watch()
            except Asked:
                say("Stopping before everything has started")
                return 130
            finally:
                say("Stopping")
                self._end()
                for each in self.listeners:
                    each.close()
            return 0
        finally:
            self.lock.release()


def main() -> int:
    """Read PORT and run; problems are told, never traced."""
    text = os.environ.get("PORT") or "8000"
    if not text.isdigit() or not 0 < int(text) < 65536:
        say(f"PORT is {text}; it must be a number from 1 to 65535.")
        return 1
    try:
        return Supervisor(int(text)).run()
    except CannotStart as problem:
        say(str(problem))
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
