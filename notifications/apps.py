from importlib import import_module

from django.apps import AppConfig

from accounts.lifecycle import register_eraser, register_export


class NotificationsConfig(AppConfig):
    name = "notifications"
    verbose_name = "Messages"

    def ready(self) -> None:
        import_module("notifications.consumers")
        register_export("messages", import_module("notifications.exports").messages)
        register_eraser("notifications", import_module("notifications.services").erase_messages)
