"""Imports incidents from a CSV file; `--dry-run` shows what it understood and writes nothing."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, override

from accounts.models import Market
from incidents.importing.errors import CannotImport
from incidents.importing.mapping import Mapping, complete, read_mapping
from incidents.importing.plan import Plan, make_plan
from incidents.importing.reading import Table, read_table
from incidents.importing.refused import forget_refused, write_refused
from incidents.importing.rows import Draft
from incidents.importing.writing import save_drafts

EXAMPLES = 3
REASONS = 12
NAMES = {
    ",": gettext_lazy("comma"),
    ";": gettext_lazy("semicolon"),
    "\t": gettext_lazy("tab"),
    "|": gettext_lazy("bar"),
}


class Command(BaseCommand):
    help = "Imports incidents from a CSV file, once each, however often it is run."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="CSV with a header row")
        parser.add_argument(
            "--mapping", metavar="FILE", help="JSON or CSV saying what columns mean"
        )
        parser.add_argument("--market", metavar="CODE", help="market of the incidents")
        parser.add_argument(
            "--dry-run", action="store_true", help="show what was understood, write nothing"
        )
        parser.add_argument(
            "--closed", action="store_true", help="history only: every case is closed at once"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            market = find_market(options["market"])
            with override(market.language):
                self._import(
                    Path(options["file"]),
                    Path(options["mapping"]) if options["mapping"] else None,
                    market,
                    dry=options["dry_run"],
                    closed=options["closed"],
                )
        except CannotImport as problem:
            raise CommandError(str(problem)) from problem

    def _say(self, text: str) -> None:
        self.stdout.write(text)

    def _import(
        self, path: Path, mapping_path: Path | None, market: Market, *, dry: bool, closed: bool
    ) -> None:
        given = read_mapping(mapping_path) if mapping_path else None
        table = read_table(
            path,
            encoding=given.encoding if given else "",
            delimiter=given.delimiter if given else "",
        )
        self._say_table(table, market)
        mapping = complete(given, table)
        self._say_mapping(mapping)
        plan = make_plan(table, mapping, market)
        self._say_plan(plan)
        if dry:
            self._say_examples(plan.drafts)
            self._say_unused(plan.unused)
            self._say_undated(plan.undated)
            self._say(
                ngettext(
                    "Dry run: nothing was written. %(count)d would be imported.",
                    "Dry run: nothing was written. %(count)d would be imported.",
                    len(plan.drafts),
                )
                % {"count": len(plan.drafts)}
            )
            return
        added = save_drafts(market, plan.source, table.name, plan.drafts, closed=closed)
        self._say(
            _("Imported %(added)d, there already %(known)d, refused %(refused)d.")
            % {
                "added": added,
                "known": plan.known + len(plan.drafts) - added,
                "refused": len(plan.refused),
            }
        )
        self._say_unused(plan.unused)
        self._say_undated(plan.undated)
        if plan.refused:
            kept = write_refused(table, plan.refused)
            self._say(_("Refused rows are kept in %(path)s.") % {"path": kept})
        else:
            forget_refused(table.name)
        if plan.refused and not (plan.drafts or plan.known):
            raise CommandError(_("Every row was refused."))

    def _say_table(self, table: Table, market: Market) -> None:
        rows, columns = len(table.rows), len(table.columns)
        self._say(
            _(
                "%(name)s: %(rows)s, %(columns)s, encoding %(encoding)s, delimiter "
                "%(delimiter)s. Market %(market)s (%(zone)s, %(currency)s)."
            )
            % {
                "name": table.name,
                "rows": ngettext("%(count)d row", "%(count)d rows", rows) % {"count": rows},
                "columns": ngettext("%(count)d column", "%(count)d columns", columns)
                % {"count": columns},
                "encoding": table.encoding,
                "delimiter": NAMES.get(table.delimiter, table.delimiter),
                "market": market.code,
                "zone": market.time_zone,
                "currency": market.currency,
            }
        )

    def _say_mapping(self, mapping: Mapping) -> None:
        self._say(
            _("Mapping, as given:") if mapping.given else _("Mapping, proposed from the header:")
        )
        for name, columns in mapping.columns.items():
            self._say(f"  {name} <- {' + '.join(columns)}")
        for name, value in mapping.defaults.items():
            self._say(f"  {name} = {value}")

    def _say_plan(self, plan: Plan) -> None:
        self._say(_("Source: %(source)s.") % {"source": plan.source})
        if plan.order is not None:
            line = plan.order.line
            proof = (
                _("by line %(line)d") % {"line": line} if line else _("as stated, or never unclear")
            )
            self._say(
                _("Dates: %(order)s (%(proof)s).") % {"order": plan.order.order, "proof": proof}
            )
        replaced = plan.reader.replaced
        for (name, text, value), count in replaced.most_common(REASONS):
            words = {"count": count, "text": text[:60], "field": name, "value": value}
            said = (
                ngettext(
                    "  %(count)d row says “%(text)s” for %(field)s, which becomes %(value)s.",
                    "  %(count)d rows say “%(text)s” for %(field)s, which becomes %(value)s.",
                    count,
                )
                if text
                else ngettext(
                    "  %(count)d row says nothing for %(field)s, which becomes %(value)s.",
                    "  %(count)d rows say nothing for %(field)s, which becomes %(value)s.",
                    count,
                )
            )
            self._say(said % words)
        more = len(replaced) - REASONS
        if more > 0:
            self._say(
                ngettext(
                    "  and %(count)d more such value", "  and %(count)d more such values", more
                )
                % {"count": more}
            )
        self._say(
            _("New %(new)d, there already %(known)d, refused %(refused)d.")
            % {"new": len(plan.drafts), "known": plan.known, "refused": len(plan.refused)}
        )
        # A row with several reasons is counted under each.
        found = [(reason, row.line) for row, reasons in plan.refused for reason in reasons]
        reasons = Counter(reason for reason, _line in found)
        first = dict(reversed(found))
        for reason, count in reasons.most_common(REASONS):
            self._say(
                ngettext(
                    "  %(count)d refused (first on line %(line)d): %(reason)s",
                    "  %(count)d refused (first on line %(line)d): %(reason)s",
                    count,
                )
                % {"count": count, "line": first[reason], "reason": reason}
            )

    def _say_unused(self, columns: Sequence[str]) -> None:
        if columns:
            self._say(
                ngettext(
                    "Column that was not used: %(columns)s.",
                    "Columns that were not used: %(columns)s.",
                    len(columns),
                )
                % {"columns": ", ".join(columns)}
            )

    def _say_undated(self, count: int) -> None:
        """Figures by day count a case on its own date: of these, nothing tells better than now."""
        if count:
            self._say(
                ngettext(
                    "%(count)d row without a date: logged as of the import, and when it happened "
                    "stays unknown. A mapping can give a day, as `defaults.date`.",
                    "%(count)d rows without a date: logged as of the import, and when it happened "
                    "stays unknown. A mapping can give a day, as `defaults.date`.",
                    count,
                )
                % {"count": count}
            )

    def _say_examples(self, drafts: list[Draft]) -> None:
        for draft in drafts[:EXAMPLES]:
            when = draft.occurred_at.isoformat() if draft.occurred_at else "—"
            self._say(
                f"  {draft.line}: {draft.reference or '—'} | {when} | {draft.category.code} | "
                f"{draft.severity} | {draft.channel} | {' '.join(draft.narrative.split())[:100]}"
            )


def find_market(code: str | None) -> Market:
    """The market named, or the only one. Raises CannotImport with the codes there are."""
    markets = {market.code: market for market in Market.objects.filter(is_active=True)}
    if code is None and len(markets) == 1:
        return next(iter(markets.values()))
    if code is None or code.upper() not in markets:
        known = ", ".join(sorted(markets)) or "—"
        text = (
            _("Say which market with --market: %(known)s.")
            if code is None
            else _("There is no market %(code)s. There are: %(known)s.")
        )
        raise CannotImport(text % {"code": code, "known": known})
    return markets[code.upper()]
