"""What happens to tokens that wait: boundary events, event sub-processes, errors, escalations, signals, races."""

from __future__ import annotations

from collections.abc import Sequence

from .net import Site
from .thrown import COMPOSITE
from .tokens import DONE, PASSED, Board, Draft


class Happenings(Board):
    """Events of one net; see the module."""

    def settle(self, draft: Draft, number: int) -> None:
        """Ends a scope that has no token left."""
        scope = self.scopes[number]
        if draft.bits & scope.live or any(self.sites[s].scope == number for s, _ in draft.ready):
            return
        if draft.current >= 0 and self.sites[draft.current].scope == number:
            return
        if scope.host < 0:
            draft.bits = self.net.ended
            draft.ready.clear()
        elif self.sites[scope.host].node.triggered:
            self.forget(draft, self.sites[scope.host])
            self.take(draft, scope.host)
            draft.labels.append(("left", scope.host))
            self.settle(draft, self.sites[scope.host].scope)
        elif (scope.host, DONE) not in draft.ready:
            draft.ready.append((scope.host, DONE))

    def begin(self, draft: Draft, site: Site) -> None:
        """Tokens at the start of an inlined composite."""
        entries = self.scopes[site.body].entries
        if site.node.kind == "participant":
            entries = entries or self.scopes[site.body].others[:1]
        draft.ready.extend((number, PASSED) for number in entries)
        if not entries:
            self.settle(draft, site.body)

    def cancel(self, draft: Draft, site: Site) -> None:
        """Takes an active site away with everything in it."""
        draft.labels.append(("cancelled", site.index))
        if site.body >= 0:
            self.clear(draft, site.body)
        draft.ready = [entry for entry in draft.ready if entry != (site.index, DONE)]
        self.take(draft, site.index)
        if not draft.bits >> site.index & 1:
            for number in site.boundary:
                self.unspend(draft, self.sites[number])
        elif site.role == "host":
            self.begin(draft, site)

    def alive(self, number: int, bits: int) -> bool:
        """Whether a scope is running."""
        scope = self.scopes[number]
        return bool(bits & scope.live) if scope.host < 0 else bool(bits >> scope.host & 1)

    def armed(self, event: Site, bits: int) -> bool:
        """Whether an event of an active host (or a running scope) still waits."""
        if event.node.triggered and bits >> event.index & 1:
            return False
        return event.spent < 0 or not bits >> event.spent & 1

    def free(self, event: Site, bits: int) -> bool:
        """Whether an event may come from outside at any time it is awaited."""
        kind = event.trigger.kind
        if kind == "signal":
            name = event.trigger.name
            return name in self.net.outside or bool(bits & self.net.throwers.get(name, 0))
        if kind == "message":
            return not event.closed
        if kind == "conditional":
            # Data only change where something else can still move.
            return self.net.shared or bool(bits & self.lively)
        if kind in ("error", "escalation", "cancel", "compensate"):
            # Raised by what is inside; a task has no inside that this net knows.
            if event.node.kind != "boundaryEvent":
                return False
            host = self.sites[event.host]
            return kind in ("error", "escalation") and host.node.kind not in COMPOSITE
        return True

    def fire(self, draft: Draft, host: Site, event: Site) -> None:
        """A boundary event takes effect."""
        draft.labels.append(("fired", event.index))
        if event.interrupts:
            self.cancel(draft, host)
        else:
            draft.bits |= 1 << event.spent
        draft.ready.append((event.index, PASSED))

    def win(self, draft: Draft, race: Site, target: Site) -> Draft:
        """The first event of an event-based gateway takes its token."""
        self.take(draft, race.index)
        draft.labels += [("left", race.index), ("fired", target.index)]
        self.put(draft, target.index)
        draft.ready.append((target.index, DONE))
        return draft

    def begin_event(self, draft: Draft, event: Site) -> None:
        """An event sub-process begins; an interrupting one ends everything else in its scope first."""
        draft.labels.append(("fired", event.index))
        if event.interrupts:
            self.clear(draft, event.scope)
            for number in self.scopes[event.scope].events:
                draft.bits |= 1 << self.sites[number].spent
        draft.bits |= 1 << event.spent
        self.put(draft, event.index)
        if event.role == "host":
            self.begin(draft, event)

    def thrown_in(self, draft: Draft, number: int, kind: str, code: str) -> None:
        """An error or escalation thrown in a scope goes up to the nearest event that catches it."""
        scope = self.scopes[number]
        for wanted in (code, ""):
            for event in (self.sites[n] for n in scope.events):
                if event.trigger.kind == kind and event.trigger.name == wanted and self.armed(event, draft.bits):
                    self.begin_event(draft, event)
                    return
        if scope.host >= 0 and self.sites[scope.host].node.kind == "participant":
            self.escaped.add((kind, code))
            if kind == "error":
                self.clear(draft, number, keep=True)
            return
        if scope.host >= 0:
            self.thrown_at(draft, self.sites[scope.host], kind, code)
            return
        self.escaped.add((kind, code))
        if kind == "error":
            self.clear(draft, 0)
            draft.bits = self.net.ended
            draft.ready.clear()

    def thrown_at(self, draft: Draft, host: Site, kind: str, code: str) -> None:
        """The same, out of a composite: its boundary first, then the scope around it."""
        for wanted in (code, ""):
            for event in (self.sites[n] for n in host.boundary):
                if event.trigger.kind == kind and event.trigger.name == wanted:
                    if self.armed(event, draft.bits):
                        self.fire(draft, host, event)
                    return
        around = self.scopes[host.scope]
        if host.node.triggered and around.host >= 0:
            self.thrown_at(draft, self.sites[around.host], kind, code)
        elif host.node.triggered:
            self.escaped.add((kind, code))
            if kind == "error":
                self.clear(draft, 0)
                draft.bits = self.net.ended
                draft.ready.clear()
        else:
            self.thrown_in(draft, host.scope, kind, code)

    def signal(self, draft: Draft, name: str) -> None:
        """A signal reaches everything that waits for it now (BPMN 10.5.6)."""
        rest = draft.bits & ((1 << len(self.sites)) - 1)
        hit: list[tuple[Site, Site]] = []
        while rest:
            low = rest & -rest
            rest ^= low
            site = self.sites[low.bit_length() - 1]
            waiting = [self.sites[out.target] for out in site.outs] if site.role == "race" else [site]
            waiting += [self.sites[number] for number in site.boundary]
            hit += [(site, w) for w in waiting if w.trigger.kind == "signal" and w.trigger.name == name]
        for host, event in hit:
            if draft.bits >> host.index & 1 and self.armed(event, draft.bits):
                self.trigger(draft, host, event)
        for scope in self.scopes:
            for event in (self.sites[n] for n in scope.events):
                awaited = event.trigger.kind == "signal" and event.trigger.name == name
                acting = draft.current >= 0 and self.sites[draft.current].scope in scope.inside
                if awaited and (acting or self.alive(scope.index, draft.bits)) and self.armed(event, draft.bits):
                    self.begin_event(draft, event)

    def trigger(self, draft: Draft, host: Site, event: Site) -> None:
        """Lets an awaited event take effect. `host`: the active site at which it waits; itself for a catch event."""
        if event.node.triggered:
            self.begin_event(draft, event)
        elif event is host:
            if (host.index, DONE) not in draft.ready:
                draft.ready.append((host.index, DONE))
        elif host.role == "race":
            self.win(draft, host, event)
        else:
            self.fire(draft, host, event)

    # -- messages between pools ---------------------------------------------------------------------------------------
    def post(self, draft: Draft, name: str) -> None:
        """A message thrown inside: for who waits, else it starts a pool, else it is kept; unless nobody can ever
        receive it here."""
        mail = self.net.mail.get(name)
        if mail is None:
            return
        if not self.receivers(name, draft.ready, draft.bits) and mail.starts:
            pool, start = mail.starts[0]
            if not draft.bits >> pool & 1:
                draft.labels.append(("entered", pool))
                draft.ready.append((start, PASSED))
            self.put(draft, pool)
        elif mail.waiting:
            self.put(draft, mail.kept)

    def receivers(self, name: str, ready: Sequence[tuple[int, int]], bits: int) -> list[tuple[Site, Site]]:
        """(host, event) of everything that waits for a message now."""
        found = []
        for number, index in self.net.mail[name].waiting:
            event = self.sites[index]
            if event.node.triggered:
                inside = self.scopes[event.scope].inside
                waits = self.alive(event.scope, bits) or any(self.sites[s].scope in inside for s, _ in ready)
            else:
                waits = bool(bits >> number & 1) and (number, DONE) not in ready
            if waits and self.armed(event, bits):
                found.append((self.sites[number], event))
        return found

    def delivered(self, ready: Sequence[tuple[int, int]], bits: int) -> tuple[int, list[tuple[Site, Site]]] | None:
        """The mark of a kept message that somebody waits for, and who; None when there is none."""
        for name, mail in self.net.mail.items():
            if bits >> mail.kept & 1:
                found = self.receivers(name, ready, bits)
                if found:
                    return mail.kept, found
        return None
