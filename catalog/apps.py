from importlib import import_module

from django.apps import AppConfig

from accounts.lifecycle import register_eraser, register_export


class CatalogConfig(AppConfig):
    name = "catalog"
    verbose_name = "Catalogue"

    def ready(self) -> None:
        import_module("catalog.consumers")
        exports = import_module("catalog.exports")
        register_export("stores", exports.stores)
        register_export("items", exports.items)
        register_eraser("catalog", import_module("catalog.services.closing").erase_seller)
