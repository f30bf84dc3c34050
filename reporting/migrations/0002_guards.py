from django.db import migrations

from common.sql import append_only_guard, frozen_guard


class Migration(migrations.Migration):
    dependencies = [("reporting", "0001_initial")]

    operations = [
        frozen_guard("reporting_nightlyreport", ["market_id", "date"]),
        append_only_guard("reporting_reportcomment"),
        append_only_guard("reporting_reportsignature"),
    ]
