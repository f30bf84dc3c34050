from django.db import migrations

from common.sql import frozen_guard


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [frozen_guard("accounts_market", ["currency", "code"])]
