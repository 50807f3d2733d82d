from django.urls import path

from billing.api import corrections, views

urlpatterns = [
    path("service-keys", views.ServiceKeys.as_view()),
    path("service-keys/<str:key_id>", views.OneServiceKey.as_view()),
    path("billing/event-types", views.EventTypes.as_view()),
    path("billing/events", views.Events.as_view()),
    path("billing/events/<str:event_id>", views.OneEvent.as_view()),
    path("billing/events/<str:event_id>/retry", views.RetryEvent.as_view()),
    path("billing/rule-sets", views.RuleSets.as_view()),
    path("billing/rule-sets/<str:rule_set_id>", views.OneRuleSet.as_view()),
    path("billing/rule-sets/<str:rule_set_id>/check", views.CheckRuleSet.as_view()),
    path("billing/rule-sets/<str:rule_set_id>/activate", views.ActivateRuleSet.as_view()),
    path("billing/coverage", views.CoverageReport.as_view()),
    path("billing/rule-sets/<str:rule_set_id>/replay", corrections.ReplayRuleSet.as_view()),
    path("billing/rule-sets/<str:rule_set_id>/repair", corrections.RepairRuleSet.as_view()),
    path("billing/batches", views.Batches.as_view()),
    path("ledger/journals/<str:journal_id>", views.OneJournal.as_view()),
    path("ledger/journals/<str:journal_id>/reverse", corrections.ReverseJournal.as_view()),
    path("ledger/journals/<str:journal_id>/approve", corrections.ApproveReversal.as_view()),
    path("ledger/transfers/<str:transfer_id>/explain", views.ExplainTransfer.as_view()),
]
