package astm

import "slices"

// Operation is one operation of an interface.
type Operation struct {
	// Name is the operation's identifier in its interface description.
	Name string
	// Method and Path are as net/http's patterns have them.
	Method, Path string
	// Scopes are the words that a token's scope needs: those of one of the alternatives, which " | " separates. Empty: no token is needed.
	Scopes string
}

// Operations are all operations that are answered here, those of each interface together.
func Operations() []Operation { return slices.Concat(f3548(), rid22(), rid19(), aux(), versions()) }

// f3548 are the operations of F3548-21: intents, constraints, subscriptions, availability, reports.
func f3548() []Operation {
	return []Operation{
		{"queryOperationalIntentReferences", "POST", "/dss/v1/operational_intent_references/query", "utm.strategic_coordination | utm.conformance_monitoring_sa"},
		{"getOperationalIntentReference", "GET", "/dss/v1/operational_intent_references/{entityid}", "utm.strategic_coordination | utm.conformance_monitoring_sa"},
		{"createOperationalIntentReference", "PUT", "/dss/v1/operational_intent_references/{entityid}", "utm.strategic_coordination | utm.strategic_coordination utm.constraint_processing | utm.conformance_monitoring_sa"},
		{"updateOperationalIntentReference", "PUT", "/dss/v1/operational_intent_references/{entityid}/{ovn}", "utm.strategic_coordination | utm.strategic_coordination utm.constraint_processing | utm.conformance_monitoring_sa"},
		{"deleteOperationalIntentReference", "DELETE", "/dss/v1/operational_intent_references/{entityid}/{ovn}", "utm.strategic_coordination | utm.conformance_monitoring_sa"},
		{"queryConstraintReferences", "POST", "/dss/v1/constraint_references/query", "utm.constraint_management | utm.constraint_processing"},
		{"getConstraintReference", "GET", "/dss/v1/constraint_references/{entityid}", "utm.constraint_management | utm.constraint_processing"},
		{"createConstraintReference", "PUT", "/dss/v1/constraint_references/{entityid}", "utm.constraint_management"},
		{"updateConstraintReference", "PUT", "/dss/v1/constraint_references/{entityid}/{ovn}", "utm.constraint_management"},
		{"deleteConstraintReference", "DELETE", "/dss/v1/constraint_references/{entityid}/{ovn}", "utm.constraint_management"},
		{"querySubscriptions", "POST", "/dss/v1/subscriptions/query", "utm.constraint_processing | utm.strategic_coordination"},
		{"getSubscription", "GET", "/dss/v1/subscriptions/{subscriptionid}", "utm.constraint_processing | utm.strategic_coordination"},
		{"createSubscription", "PUT", "/dss/v1/subscriptions/{subscriptionid}", "utm.constraint_processing | utm.strategic_coordination"},
		{"updateSubscription", "PUT", "/dss/v1/subscriptions/{subscriptionid}/{version}", "utm.constraint_processing | utm.strategic_coordination"},
		{"deleteSubscription", "DELETE", "/dss/v1/subscriptions/{subscriptionid}/{version}", "utm.constraint_processing | utm.strategic_coordination"},
		{"makeDssReport", "POST", "/dss/v1/reports", "utm.constraint_management | utm.constraint_processing | utm.strategic_coordination | utm.conformance_monitoring_sa | utm.availability_arbitration"},
		{"getUssAvailability", "GET", "/dss/v1/uss_availability/{uss_id}", "utm.availability_arbitration | utm.strategic_coordination | utm.conformance_monitoring_sa"},
		{"setUssAvailability", "PUT", "/dss/v1/uss_availability/{uss_id}", "utm.availability_arbitration"},
	}
}

// rid22 are the operations of F3411-22a: service areas and subscriptions of remote ID.
func rid22() []Operation {
	return []Operation{
		{"searchIdentificationServiceAreas", "GET", "/rid/v2/dss/identification_service_areas", "rid.display_provider"},
		{"getIdentificationServiceArea", "GET", "/rid/v2/dss/identification_service_areas/{id}", "rid.display_provider | rid.service_provider"},
		{"createIdentificationServiceArea", "PUT", "/rid/v2/dss/identification_service_areas/{id}", "rid.service_provider"},
		{"updateIdentificationServiceArea", "PUT", "/rid/v2/dss/identification_service_areas/{id}/{version}", "rid.service_provider"},
		{"deleteIdentificationServiceArea", "DELETE", "/rid/v2/dss/identification_service_areas/{id}/{version}", "rid.service_provider"},
		{"searchSubscriptions", "GET", "/rid/v2/dss/subscriptions", "rid.display_provider"},
		{"getSubscription", "GET", "/rid/v2/dss/subscriptions/{id}", "rid.display_provider | rid.service_provider"},
		{"createSubscription", "PUT", "/rid/v2/dss/subscriptions/{id}", "rid.display_provider"},
		{"updateSubscription", "PUT", "/rid/v2/dss/subscriptions/{id}/{version}", "rid.display_provider"},
		{"deleteSubscription", "DELETE", "/rid/v2/dss/subscriptions/{id}/{version}", "rid.display_provider"},
	}
}

// rid19 are the operations of F3411-19: the same of the version before.
func rid19() []Operation {
	return []Operation{
		{"searchIdentificationServiceAreas", "GET", "/v1/dss/identification_service_areas", "dss.read.identification_service_areas"},
		{"getIdentificationServiceArea", "GET", "/v1/dss/identification_service_areas/{id}", "dss.read.identification_service_areas"},
		{"createIdentificationServiceArea", "PUT", "/v1/dss/identification_service_areas/{id}", "dss.write.identification_service_areas"},
		{"updateIdentificationServiceArea", "PUT", "/v1/dss/identification_service_areas/{id}/{version}", "dss.write.identification_service_areas"},
		{"deleteIdentificationServiceArea", "DELETE", "/v1/dss/identification_service_areas/{id}/{version}", "dss.write.identification_service_areas"},
		{"searchSubscriptions", "GET", "/v1/dss/subscriptions", "dss.read.identification_service_areas"},
		{"getSubscription", "GET", "/v1/dss/subscriptions/{id}", "dss.read.identification_service_areas | dss.write.identification_service_areas"},
		{"createSubscription", "PUT", "/v1/dss/subscriptions/{id}", "dss.read.identification_service_areas"},
		{"updateSubscription", "PUT", "/v1/dss/subscriptions/{id}/{version}", "dss.read.identification_service_areas"},
		{"deleteSubscription", "DELETE", "/v1/dss/subscriptions/{id}/{version}", "dss.read.identification_service_areas"},
	}
}

// aux are the operations beside the standards: the pool, its servers and versions.
func aux() []Operation {
	return []Operation{
		{"getVersion", "GET", "/aux/v1/version", ""},
		{"validateOauth", "GET", "/aux/v1/validate_oauth", "dss.read.identification_service_areas | dss.write.identification_service_areas"},
		{"getPool", "GET", "/aux/v1/pool", "interuss.pool_status.read"},
		{"getDSSInstances", "GET", "/aux/v1/pool/dss_instances", "interuss.pool_status.read"},
		{"putDSSInstancesHeartbeat", "PUT", "/aux/v1/pool/dss_instances/heartbeat", "interuss.pool_status.heartbeat.write"},
		{"getAcceptedCAs", "GET", "/aux/v1/configuration/accepted_ca_certs", ""},
		{"getInstanceCAs", "GET", "/aux/v1/configuration/ca_certs", ""},
		{"getGlobalOptions", "GET", "/aux/v1/configuration/global_options", "interuss.pool_status.read"},
	}
}

// versions are the operations of the versioning interface.
func versions() []Operation {
	return []Operation{
		{"GetVersion", "GET", "/versions/{system_identity}", "interuss.versioning.read_system_versions"},
	}
}
