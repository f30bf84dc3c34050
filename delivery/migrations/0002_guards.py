from django.db import migrations

from common.sql import frozen_guard, transition_guard


class Migration(migrations.Migration):
    dependencies = [("delivery", "0001_initial")]

    operations = [
        transition_guard(
            "delivery_message",
            [
                "failed>queued",
                "queued>failed",
                "queued>sending",
                "sending>delivered",
                "sending>failed",
                "sending>queued",
                "sending>sent",
                "sending>unknown",
                "sent>bounced",
                "sent>delivered",
                "sent>failed",
                "unknown>delivered",
                "unknown>failed",
                "unknown>queued",
                "unknown>sent",
            ],
        ),
        frozen_guard("delivery_message", ["topic", "ref", "contact", "address_fingerprint"]),
    ]
