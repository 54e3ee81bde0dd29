"""The packages of Salesforce CPQ (SBQQ) and Advanced Approvals (sbaa), installed into an org.

Quotes and lines with a price engine, orders, contracts with subscriptions, amendments and renewals,
approvals, and the package's own REST resources. What the package does in queued jobs happens here
some virtual seconds later.
"""
