"""The fields of each object, in the words of Zuora's v1 resources, and their types.

Names and types: Zuora API reference, the "Expanded…" models of Object Queries, renamed where the
v1 resource calls the same thing otherwise (:mod:`connectors.zuora.vocabulary` has those names).
Custom fields are not listed: they are read as they come.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from connectors.base import FieldType


def _typed(
    *,
    text: str = "",
    integer: str = "",
    decimal: str = "",
    boolean: str = "",
    date: str = "",
    instant: str = "",
) -> Mapping[str, FieldType]:
    by_type = {
        FieldType.TEXT: text,
        FieldType.INTEGER: integer,
        FieldType.DECIMAL: decimal,
        FieldType.BOOLEAN: boolean,
        FieldType.DATE: date,
        FieldType.INSTANT: instant,
    }
    return MappingProxyType(
        {name: type for type, names in by_type.items() for name in names.split()}
    )


QUERIED: Final[Mapping[str, Mapping[str, FieldType]]] = {
    "accounts": _typed(
        text="""
            id createdById updatedById accountNumber additionalEmailAddresses batch
            bcdSettingOption billToId communicationProfileId crmId currency
            customerServiceRepName defaultPaymentMethodId invoiceTemplateId name notes
            organizationId parentId purchaseOrderNumber salesRep sequenceSetId shipToId
            soldToId status taxCompanyCode taxVatId creditMemoTemplateId debitMemoTemplateId
            paymentGateway paymentTerm
        """,
        integer="billCycleDay",
        decimal="""
            balance creditBalance totalInvoiceBalance unappliedPaymentAmount mrr
            totalDebitMemoBalance unappliedCreditMemoAmount reservedPaymentAmount
        """,
        boolean="""
            allowInvoiceEdit autoPay gatewayRoutingEligible invoiceDeliveryPrefsEmail
            invoiceDeliveryPrefsPrint partnerAccount paymentMethodCascadingConsent rollUpUsage
        """,
        date="lastInvoiceDate",
        instant="createdDate updatedDate lastMetricsUpdate",
    ),
    "contacts": _typed(
        text="""
            id createdById updatedById accountId address1 address2 city country county
            contactDescription fax firstName homePhone lastName mobilePhone nickname
            otherPhone otherPhoneType personalEmail zipCode state taxRegion workEmail
            workPhone
        """,
        boolean="asBillTo asSoldTo asShipTo",
        instant="createdDate updatedDate",
    ),
    "orders": _typed(
        text="""
            id createdById updatedById description orderNumber accountId status state category
            invoiceScheduleId scheduledDatePolicy errorCode errorMessage response
            revertedOrderId revertedByOrderId revertedOrderNumber cancelReason
        """,
        boolean="createdByMigration isScheduled reversionOrder",
        date="orderDate scheduledDate revertedDate",
        instant="createdDate updatedDate",
    ),
    "subscriptions": _typed(
        text="""
            id accountId creatorAccountId creatorInvoiceOwnerId currentTermPeriodType
            initialTermPeriodType invoiceGroupNumber invoiceOwnerId subscriptionNumber notes
            originalId previousSubscriptionId renewalSetting renewalTermPeriodType revision
            status subscriptionVersionAmendmentId termType createdById updatedById
            billToContactSnapshotId billToContactId invoiceTemplateId communicationProfileId
            sequenceSetId soldToContactId soldToContactSnapshotId shipToContactId
            shipToContactSnapshotId externallyManagedBy invoiceScheduleId cancelReason
            currency orderId paymentMethodId paymentGatewayId paymentTerm rampId
            QuoteNumber__QT QuoteType__QT QuoteBusinessType__QT OpportunityName__QT
            CpqBundleJsonId__QT
        """,
        integer="currentTerm initialTerm renewalTerm version",
        decimal="contractedMrr",
        boolean="autoRenew invoiceSeparately isLatestVersion prepayment isSingleVersioned",
        date="""
            cancelledDate customerAcceptanceDate contractEffectiveDate serviceActivationDate
            subscriptionEndDate subscriptionStartDate termEndDate termStartDate
            lastBookingDate OpportunityCloseDate__QT
        """,
        instant="originalCreatedDate createdDate updatedDate",
    ),
    "rate_plans": _typed(
        text="""
            productId amendmentId amendmentType name productRatePlanId subscriptionId id
            createdById updatedById subscriptionOwnerId invoiceOwnerId externallyManagedPlanId
            originalRatePlanId subscriptionOfferId subscriptionRatePlanNumber
            pricingAttributes
        """,
        boolean="reverted",
        instant="createdDate updatedDate",
    ),
    "rate_plan_charges": _typed(
        text="""
            ratePlanId productRatePlanChargeId accountingCode applyDiscountTo billCycleType
            billingPeriod billingPeriodAlignment billingTiming bundleChargeType chargeFunction
            chargeModel chargeNumber chargeType description discountLevel endDateCondition
            revenueRecognitionTiming revenueAmortizationMethod invoiceScheduleId rolloverApply
            listPriceBase commitmentLevel commitmentType name originalId
            overageCalculationOption overageUnusedUnitsCreditOption parentChargeNumber
            prepaidOperationType priceChangeOption prorationOption ratingGroup
            revenueRecognitionRuleName revRecCode revRecTriggerCondition taxCodeName
            taxModeOption triggerEvent unitOfMeasure upToPeriodsType weeklyBillCycleDay id
            createdById updatedById subscriptionId subscriptionOwnerId invoiceOwnerId
            validityPeriodType creditOption productChargeDefinitionId upsellOriginChargeNumber
            pricingAttributes productCategory productClass productFamily productLine
            eligibleAccountConditions eligibleChargeConditions validityPeriodAlignment
            validityPeriodProrationOption rolloverPeriodType rolloverEndDateType drawdownScope
            prepaymentUnitType prorationUnit daysInMonth accountReceivableAccountingCodeId
            deferredRevenueAccountingCodeId recognizedRevenueAccountingCodeId drawdownUom
            prepaidUom
        """,
        integer="""
            accountingCodeEntityId billCycleDay rolloverPeriods rolloverPeriodLength
            specificListPriceBase numberOfPeriods segment specificBillingPeriod upToPeriods
            version specificValidityPeriodLength rolloverFundPriority drawdownPriority
        """,
        decimal="""
            dmrc drawdownRate dtcv mrr prepaidQuantity prepaidTotalQuantity salesPrice
            priceIncreasePercentage quantity numberOfDeliveries tcv originalListPrice
            percentage maximumAmount minimumAmount
        """,
        boolean="""
            excludeItemBookingFromRevenueAccounting reflectDiscountInNetAmount
            excludeItemBillingFromRevenueAccounting isBillable isLastSegment isPrepaid
            isRollover isProcessed priceUpsellQuantityStacked isCommitted taxable
            applyToBillingPeriodPartially reverted isDimensionalPrice isUnbilled
            isAllocationEligible fundSupportAccountHierarchy isProratePartialMonth
        """,
        date="""
            chargedThroughDate effectiveEndDate effectiveStartDate estimatedStartDate
            estimatedEndDate processedThroughDate specificEndDate triggerDate
            originalOrderDate amendedByOrderOn validityPeriodAnchorDate rolloverEndDate
        """,
        instant="createdDate updatedDate",
    ),
    "invoices": _typed(
        text="""
            accountId billToContactId billToContactSnapshotId comments currency
            invoiceGroupNumber invoiceNumber organizationId postedBy sequenceSetId
            soldToContactId soldToContactSnapshotId shipToContactId shipToContactSnapshotId
            source sourceId sourceType status taxStatus taxMessage templateId
            communicationProfileId transferredToAccounting paymentLink id createdById
            updatedById sellerReason paymentTerm
        """,
        decimal="""
            adjustmentAmount amount amountWithoutTax balance creditBalanceAdjustmentAmount
            creditMemoAmount paymentAmount refundAmount taxAmount taxExemptAmount
        """,
        boolean="autoPay includesOneTime includesRecurring includesUsage isSplit reversed",
        date="dueDate invoiceDate postedDate targetDate",
        instant="lastEmailSentDate createdDate updatedDate",
    ),
    "invoice_items": _typed(
        text="""
            invoiceId invoiceScheduleId invoiceScheduleItemId ratePlanChargeId
            productRatePlanChargeId accountingCode appliedToItemId chargeName chargeNumber
            commitmentChargeNumber commitmentChargeSegmentNumber description fulfillmentId
            commitmentId commitmentPeriodId itemShipToContactId itemSoldToContactId
            itemSoldToContactSnapshotId processingType sku sourceItemType orderLineItemId
            subscriptionId subscriptionNumber taxCode taxMode unitOfMeasure id createdById
            updatedById parentAccountId billToContactId soldToContactId shipToContactId
            defaultPaymentMethodId adjustmentLiabilityAccountingCodeId
            adjustmentRevenueAccountingCodeId accountReceivableAccountingCodeId
            contractAssetAccountingCodeId contractLiabilityAccountingCodeId
            contractRecognizedRevenueAccountingCodeId deferredRevenueAccountingCodeId
            recognizedRevenueAccountingCodeId unbilledReceivablesAccountingCodeId accountId
            billToContactSnapshotId soldToContactSnapshotId shipToContactSnapshotId
            journalEntryId bookingReference itemType purchaseOrderNumber revRecCode
            revRecTriggerCondition revenueRecognitionRuleName productId productRatePlanId
            amendmentId ratePlanId subscriptionOwnerId
        """,
        decimal="""
            chargeAmount discountAmount quantity taxAmount taxExemptAmount unitPrice balance
            numberOfDeliveries
        """,
        boolean="excludeItemBillingFromRevenueAccounting reflectDiscountInNetAmount",
        date="revRecStartDate serviceEndDate serviceStartDate",
        instant="chargeDate createdDate updatedDate",
    ),
    "payments": _typed(
        text="""
            accountId accountingCode authTransactionId bankIdentificationNumber comment
            currency gatewayOrderId gatewayReconciliationReason gatewayReconciliationStatus
            gatewayResponse gatewayResponseCode gatewayState gatewayTransactionState
            paymentMethodId paymentMethodSnapshotId paymentOptionId number payoutId
            referencedPaymentID referenceId secondPaymentReferenceId softDescriptor
            softDescriptorPhone source sourceName status transferredToAccounting
            transactionSource type id createdById updatedById gatewayRoutingExecutionId
            gateway
        """,
        decimal="amount appliedAmount appliedCreditBalanceAmount refundAmount unappliedAmount",
        boolean="standalone prepayment",
        date="effectiveDate",
        instant="""
            cancelledOn markedForSubmissionOn settledOn submittedOn createdDate updatedDate
            lastEmailDateTime
        """,
    ),
    "payment_applications": _typed(
        text="""
            paymentApplicationStatus accountId paymentId invoiceId applicationGroupId
            debitMemoId id createdById updatedById billingDocumentOwnerId
            accountReceivableAccountingCodeId cashAccountingCodeId
            unappliedPaymentAccountingCodeId journalEntryId
        """,
        decimal="amount",
        date="effectiveDate",
        instant="createdDate updatedDate",
    ),
    "credit_memos": _typed(
        text="""
            billToContactId billToContactSnapshotId cancelledById comment currency
            invoiceGroupNumber number postedById reasonCode revenueImpacting sequenceSetId
            communicationProfileId shipToContactSnapshotId soldToContactSnapshotId source
            sourceType status taxMessage taxStatus transferredToAccounting referredInvoiceId
            accountId id createdById sourceId updatedById debitMemoId sellerReason
        """,
        decimal="""
            appliedAmount unappliedAmount discountAmount refundAmount taxAmount amount
            amountWithoutTax totalTaxExemptAmount
        """,
        boolean="excludeFromAutoApplyRules autoApplyUponPosting reversed taxAutoCalculation",
        date="exchangeRateDate creditMemoDate targetDate",
        instant="cancelledOn postedOn createdDate updatedDate",
    ),
    "credit_memo_items": _typed(
        text="""
            appliedToItemId description fulfillmentId invoiceScheduleId invoiceScheduleItemId
            itemShipToContactId itemSoldToContactId itemSoldToContactSnapshotId itemType
            orderLineItemId commitmentId commitmentPeriodId processingType purchaseOrderNumber
            creditFromItemSource creditFromItemId sku sourceItemType chargeName chargeNumber
            commitmentChargeSegmentNumber commitmentChargeNumber taxCodeName taxMode
            unitOfMeasure subscriptionId subscriptionNumber invoiceItemId
            productRatePlanChargeId ratePlanChargeId revenueRecognitionRuleName creditMemoId
            revenueImpacting id createdById updatedById soldToContactSnapshotId
            billToContactSnapshotId shipToContactSnapshotId accountReceivableAccountingCodeId
            deferredRevenueAccountingCodeId nonRevenueWriteOffAccountingCodeId
            onAccountAccountingCodeId recognizedRevenueAccountingCodeId debitMemoItemId
            journalEntryId subscriptionOwnerId
        """,
        decimal="""
            amount amountWithoutTax appliedToOthersAmount beAppliedByOthersAmount quantity
            taxAmount taxExemptAmount unitPrice unappliedAmount numberOfDeliveries
        """,
        boolean="excludeItemBillingFromRevenueAccounting reflectDiscountInNetAmount",
        date="serviceEndDate serviceStartDate",
        instant="chargeDate createdDate updatedDate",
    ),
    "credit_memo_applications": _typed(
        text="""
            id accountId invoiceId creditMemoId applicationGroupId debitMemoId createdById
            updatedById
        """,
        decimal="amount",
        date="effectiveDate",
        instant="createdDate updatedDate",
    ),
    "refunds": _typed(
        text="""
            accountId paymentMethodSnapshotId accountingCode comment currency
            gatewayReconciliationReason gatewayReconciliationStatus gatewayResponse
            gatewayResponseCode gatewayState methodType paymentMethodId payoutId reasonCode
            referenceId number secondRefundReferenceId softDescriptor softDescriptorPhone
            sourceType status transferredToAccounting type id createdById updatedById
            associatedTransactionNumber gateway
        """,
        decimal="amount",
        date="refundDate",
        instant="""
            cancelledOn markedForSubmissionOn refundTransactionTime settledOn submittedOn
            createdDate updatedDate
        """,
    ),
    "usage": _typed(
        text="""
            accountId accountNumber ratePlanChargeId productRatePlanChargeId rbeStatus
            sourceType subscriptionId unitOfMeasure description id createdById updatedById
            importId uniqueKey fileId fileName
        """,
        decimal="quantity ratedAmount",
        instant="endDateTime startDateTime submissionDateTime createdDate updatedDate",
    ),
    "products": _typed(
        text="""
            description name sku id productNumber createdById updatedById state version
            productType bundleConfig category
        """,
        integer="versionOrdinal",
        boolean="allowFeatureChanges",
        date="effectiveEndDate effectiveStartDate",
        instant="createdDate updatedDate",
    ),
    "product_rate_plans": _typed(
        text="""
            productId name description productRatePlanNumber id createdById updatedById state
            version versionOrdinal
        """,
        integer="grade",
        date="effectiveStartDate effectiveEndDate",
        instant="createdDate updatedDate",
    ),
    "product_rate_plan_charges": _typed(
        text="""
            accountingCode applyDiscountTo billCycleType billingPeriod billingPeriodAlignment
            billingTiming chargeFunction chargeModel chargeType creditOption
            deferredRevenueAccount description discountClassId discountLevel endDateCondition
            listPriceBase name overageCalculationOption overageUnusedUnitsCreditOption
            prepaidOperationType priceChangeOption productRatePlanChargeNumber prorationOption
            ratingGroup recognizedRevenueAccount revenueRecognitionRuleName
            revRecTriggerCondition rolloverApply smoothingModel taxCode taxMode triggerEvent
            upToPeriodsType usageRecordRatingOption validityPeriodType weeklyBillCycleDay
            deliveryScheduleId id createdById updatedById commitmentLevel commitmentType
            productCategory productClass productFamily productLine revenueRecognitionTiming
            revenueAmortizationMethod validityPeriodAlignment validityPeriodProrationOption
            rolloverPeriodType rolloverEndDateType drawdownScope prepaymentUnitType
            adjustmentLiabilityAccountingCodeId accountReceivableAccountingCodeId
            adjustmentRevenueAccountingCodeId contractAssetAccountingCodeId
            contractLiabilityAccountingCodeId contractRecognizedRevenueAccountingCodeId
            deferredRevenueAccountingCodeId recognizedRevenueAccountingCodeId
            unbilledReceivablesAccountingCodeId drawdownUom prepaidUom revRecCode
            productRatePlanId unitOfMeasure
        """,
        integer="""
            billCycleDay specificListPriceBase numberOfPeriod rolloverPeriods
            rolloverPeriodLength specificBillingPeriod upToPeriods
            specificValidityPeriodLength rolloverFundPriority drawdownPriority
        """,
        decimal="""
            defaultQuantity drawdownRate includedUnits maxQuantity minQuantity prepaidQuantity
            prepaidTotalQuantity priceIncreasePercentage
        """,
        boolean="""
            excludeItemBookingFromRevenueAccounting excludeItemBillingFromRevenueAccounting
            isPrepaid isRollover isStackedDiscount legacyRevenueReporting taxable
            useDiscountSpecificAccountingCode useTenantDefaultForPriceChange
            priceUpsellQuantityStacked isCommitted applyToBillingPeriodPartially isUnbilled
            isAllocationEligible optional fundSupportAccountHierarchy
        """,
        instant="createdDate updatedDate",
    ),
}
