"""The chart of accounts and other fixed ids of the simulated company."""

from __future__ import annotations

from typing import Final

RECEIVABLE: Final = "119"
UNDEPOSITED: Final = "116"
SALES_TAX: Final = "220"
ROUNDING: Final = "790"
REALIZED: Final = "791"

# id: number, name, type, subsidiaries it is for (none: all), currency
CHART: Final[dict[str, tuple[str, str, str, str, str | None]]] = {
    "111": ("1011", "Operating Bank US", "Bank", "1", "USD"),
    "112": ("1012", "Operating Bank UK", "Bank", "2", "GBP"),
    "113": ("1013", "Operating Bank DE", "Bank", "3", "EUR"),
    "114": ("1050", "Payment Processor Clearing", "Bank", "", None),
    "116": ("1090", "Undeposited Funds", "OthCurrAsset", "", None),
    "119": ("1100", "Accounts Receivable", "AcctRec", "", None),
    "121": ("1150", "Contract Asset", "UnbilledRec", "", None),
    "130": ("1400", "Deferred Contract Cost", "DeferExpense", "", None),
    "210": ("2000", "Accounts Payable", "AcctPay", "", None),
    "215": ("2100", "Accrued Cost of Revenue", "OthCurrLiab", "", None),
    "220": ("2200", "Sales Tax Payable", "OthCurrLiab", "", None),
    "225": ("2300", "Customer Deposits", "OthCurrLiab", "", None),
    "226": ("2310", "Unapplied Cash", "OthCurrLiab", "", None),
    "230": ("2500", "Deferred Revenue", "DeferRevenue", "", None),
    "310": ("3000", "Retained Earnings", "Equity", "", None),
    "401": ("4000", "Revenue - Software", "Income", "", None),
    "402": ("4100", "Revenue - Services", "Income", "", None),
    "403": ("4200", "Revenue - Usage", "Income", "", None),
    "404": ("4300", "Revenue - Hardware", "Income", "", None),
    "501": ("5000", "Cost of Revenue - Hosting", "COGS", "", None),
    "502": ("5100", "Cost of Revenue - Services", "COGS", "", None),
    "601": ("6100", "Bad Debt Expense", "Expense", "", None),
    "602": ("6200", "Dispute Losses", "Expense", "", None),
    "603": ("6210", "Payment and Dispute Fees", "Expense", "", None),
    "790": ("7990", "Rounding Gain/Loss", "OthExpense", "", None),
    "791": ("7900", "Realized Exchange Gain/Loss", "OthExpense", "", None),
    "999": ("9999", "Statistical Seats (inactive)", "Stat", "", None),
}
SUBSIDIARIES: Final = {
    "1": ("Revline US Inc.", "US", "USD", None),
    "2": ("Revline UK Ltd", "GB", "GBP", "1"),
    "3": ("Revline GmbH", "DE", "EUR", "1"),
}
CURRENCIES: Final = {
    "1": ("US Dollar", "USD", 2, "1"),
    "2": ("British Pound", "GBP", 2, "1.27"),
    "3": ("Euro", "EUR", 2, "1.08"),
    "4": ("Japanese Yen", "JPY", 0, "0.0067"),
    "5": ("Kuwaiti Dinar", "KWD", 3, "3.25"),
}
CURRENCY_IDS: Final = {symbol: id for id, (_, symbol, _, _) in CURRENCIES.items()}
