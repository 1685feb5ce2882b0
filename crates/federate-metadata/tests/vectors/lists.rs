//! The projects whose metadata is read, and what is wrong with some of their documents.

/// The projects whose every metadata document is read.
pub(crate) const PROJECTS: [&str; 15] = [
    "opensaml-java",
    "shibboleth-mda",
    "ukf-meta",
    "ruby-saml",
    "python3-saml",
    "samlify",
    "itfoxtec",
    "crewjam-saml",
    "node-saml",
    "instructure-saml2",
    "lightsaml",
    "pysaml2",
    "simplesamlphp-saml2",
    "spring-security",
    "sustainsys",
];

/// Documents that are refused, by the beginning of their path, with the code, and why that is
/// right.
pub(crate) const REFUSED: [(&str, &str, &str); 20] = [
    (
        "opensaml-java/opensaml-saml-impl/src/test/resources/org/opensaml/saml/saml2/metadata/impl/EntityDescriptorChildElements.xml",
        "schema.missing_attribute",
        "a role that says nothing, for a test of the parser alone",
    ),
    (
        "ukf-meta/mdx/validation-beans.xml",
        "schema.unexpected_root",
        "no metadata, but the configuration of a tool",
    ),
    (
        "ukf-meta/tests/manual/ukf-meta-243/3-certs",
        "schema.missing_attribute",
        "roles cut down to what the tool changes; no schema would allow them",
    ),
    (
        "ukf-meta/tests/manual/ukf-meta-243/no-use",
        "schema.missing_attribute",
        "as those before",
    ),
    (
        "ukf-meta/tests/manual/ukf-meta-243/use-",
        "schema.missing_attribute",
        "as those before",
    ),
    (
        "ukf-meta/tests/manual/ukf-meta-248/test.xml",
        "schema.missing_attribute",
        "as those before",
    ),
    (
        "instructure-saml2/spec/fixtures/algsupport_metadata.xml",
        "xml.not_well_formed",
        "OrganizationName is ended as OrganizationDisplayName; xmllint says so too",
    ),
    (
        "instructure-saml2/spec/fixtures/identity_provider.xml",
        "xml.not_well_formed",
        "a start tag is not finished; xmllint says so too",
    ),
    (
        "instructure-saml2/spec/fixtures/service_provider.xml",
        "xml.not_well_formed",
        "OrganizationName is ended as OrganizationDisplayName; xmllint says so too",
    ),
    (
        "python3-saml/tests/data/metadata/noentity_metadata_settings1.xml",
        "schema.unexpected_root",
        "made to have no EntityDescriptor",
    ),
    (
        "python3-saml/tests/data/metadata/unparsed_metadata.xml",
        "xml.not_well_formed",
        "made not to be well-formed",
    ),
    (
        "samlify/test/misc/multiple_entitydescriptor.xml",
        "xml.not_well_formed",
        "two roots",
    ),
    (
        "samlify/test/misc/sp_metadata_98.xml",
        "schema.unexpected_root",
        "its elements are in no namespace",
    ),
    (
        "samlify/test/misc/spmeta.xml",
        "schema.unexpected_root",
        "its elements are in no namespace",
    ),
    (
        "samlify/test/misc/spmeta_noassertsign.xml",
        "schema.unexpected_root",
        "its elements are in no namespace",
    ),
    (
        "samlify/test/misc/spmeta_noauthnsign.xml",
        "schema.unexpected_root",
        "its elements are in no namespace",
    ),
    (
        "simplesamlphp-saml2/tests/resources/xml/metadata/corrupted-metadata-selfsigned.xml",
        "xml.undeclared_prefix",
        "corrupted on purpose",
    ),
    (
        "sustainsys/src/foss/Tests/Sustainsys.Saml2.Tests/Serialization/SamlXmlReaderTests/\
         ReadEntityDescriptor_ValidatesNamespace.xml",
        "schema.unexpected_root",
        "made to be in another namespace",
    ),
    (
        "pysaml2/tests/metadata.aaitest.xml",
        "xml.limit_exceeded",
        "an aggregate larger than the limits of one entity",
    ),
    (
        "pysaml2/tests/remote_data/metadata.aaitest.xml",
        "xml.limit_exceeded",
        "an aggregate larger than the limits of one entity",
    ),
];

/// What is left out of documents that are read, by the beginning of their path, and why that is
/// right.
pub(crate) const DIAGNOSED: [(&str, &str, &str); 39] = [
    (
        "opensaml-java/",
        "metadata.protocol_not_supported",
        "roles of SAML 1.1, and of protocols made up for a test",
    ),
    (
        "opensaml-java/",
        "metadata.duplicate_entity",
        "aggregates that hold an entity twice",
    ),
    (
        "opensaml-java/opensaml-saml-impl/src/test/resources/org/opensaml/saml/metadata/resolver/filter/impl/EntitiesDescriptor-Name-metadata.xml",
        "metadata.role_skipped",
        "an affiliation without an owner",
    ),
    (
        "opensaml-java/opensaml-saml-impl/src/test/resources/org/opensaml/saml/saml2/profile/impl/affiliation-metadata.xml",
        "metadata.role_skipped",
        "an affiliation without an owner",
    ),
    (
        "opensaml-java/opensaml-saml-impl/src/test/resources/org/opensaml/saml/saml2/metadata/provider/metadata.aaitest_signed",
        "metadata.endpoint_dropped",
        "a DiscoveryResponse without a binding",
    ),
    (
        "opensaml-java/opensaml-saml-impl/src/test/resources/org/opensaml/saml/saml2/metadata/provider/metadata.aaitest_signed",
        "metadata.issuer_certificate_skipped",
        "chains of a public authority",
    ),
    (
        "pysaml2/tests/idp_uiinfo.xml",
        "metadata.scope_not_supported",
        "a regular expression for two literal names",
    ),
    (
        "pysaml2/tests/metadata.aaitest.xml",
        "metadata.key_skipped",
        "keys that have a name only",
    ),
    (
        "pysaml2/tests/metadata.aaitest.xml",
        "metadata.several_defaults",
        "two consumers are the default",
    ),
    (
        "pysaml2/tests/",
        "metadata.protocol_not_supported",
        "roles of SAML 1.1",
    ),
    (
        "pysaml2/tests/swamid-1.0.xml",
        "metadata.certificate_skipped",
        "keys of 512 bits",
    ),
    (
        "pysaml2/tests/swamid-1.0.xml",
        "metadata.key_skipped",
        "of these certificates",
    ),
    (
        "pysaml2/tests/swamid-1.0.xml",
        "metadata.duplicate_index",
        "several DiscoveryResponse of one index",
    ),
    (
        "pysaml2/tests/swamid-1.0.xml",
        "metadata.endpoint_dropped",
        "a DiscoveryResponse at an address that is none",
    ),
    (
        "pysaml2/tests/urn-mace-swami.se-swamid-test-1.0-metadata.xml",
        "metadata.endpoint_dropped",
        "a DiscoveryResponse without a binding",
    ),
    (
        "python3-saml/tests/data/metadata/idp_multiple_descriptors.xml",
        "metadata.certificate_skipped",
        "a PEM text, in Base64 once more",
    ),
    (
        "python3-saml/tests/data/metadata/idp_multiple_descriptors.xml",
        "metadata.key_skipped",
        "of these certificates",
    ),
    (
        "ruby-saml/test/metadata/idp_multiple_descriptors",
        "metadata.endpoint_dropped",
        "an AssertionConsumerService without a binding",
    ),
    (
        "shibboleth-mda/",
        "metadata.protocol_not_supported",
        "roles of SAML 1.1",
    ),
    (
        "shibboleth-mda/",
        "metadata.id_ignored",
        "numbers and addresses, which are no identifiers",
    ),
    (
        "shibboleth-mda/",
        "metadata.element_ignored",
        "types of contacts that are made up",
    ),
    (
        "simplesamlphp-saml2/tests/resources/xml/md_EntitiesDescriptor.xml",
        "metadata.key_skipped",
        "a key that has a name only",
    ),
    (
        "spring-security/saml2/saml2-service-provider/src/test/resources/test-entitiesdescriptor.xml",
        "metadata.certificate_skipped",
        "the same key as in test-metadata.xml",
    ),
    (
        "spring-security/saml2/saml2-service-provider/src/test/resources/test-entitiesdescriptor.xml",
        "metadata.key_skipped",
        "of these certificates",
    ),
    (
        "sustainsys/src/foss/Tests/Sustainsys.Saml2.Tests/Serialization/SamlXmlReaderTests/ReadEntityDescriptor_ReadsNonSupportedRoleDescriptors.xml",
        "metadata.role_skipped",
        "roles that say nothing",
    ),
    (
        "ukf-meta/tests/",
        "metadata.protocol_not_supported",
        "attribute authorities of SAML 1.1",
    ),
    (
        "ukf-meta/tests/manual/ukf-meta-258/",
        "metadata.member_skipped",
        "roles cut down to what the tool changes",
    ),
    (
        "crewjam-saml/samlsp/testdata/expected_middleware_metadata.xml",
        "metadata.name_id_format_ignored",
        "an empty NameIDFormat",
    ),
    (
        "crewjam-saml/testdata/TestCanProduceMetadata",
        "metadata.endpoint_dropped",
        "a Location that is empty",
    ),
    (
        "crewjam-saml/testdata/TestCanProduceMetadataEntityID_metadata",
        "metadata.name_id_format_ignored",
        "an empty NameIDFormat",
    ),
    (
        "crewjam-saml/testdata/TestSPCanProduceMetadata",
        "metadata.name_id_format_ignored",
        "an empty NameIDFormat",
    ),
    (
        "crewjam-saml/testdata/TestMetadataValidatesUrlScheme",
        "metadata.endpoint_dropped",
        "javascript: as an assertion consumer, CVE-2023-45683",
    ),
    (
        "pysaml2/tests/sp_0.metadata",
        "metadata.endpoint_dropped",
        "a Location that is no URL",
    ),
    (
        "ruby-saml/test/metadata/",
        "metadata.certificate_skipped",
        "a PEM text, in Base64 once more",
    ),
    (
        "ruby-saml/test/metadata/",
        "metadata.key_skipped",
        "of these certificates",
    ),
    (
        "ruby-saml/test/metadata/idp_descriptor_",
        "metadata.cache_duration_ignored",
        "P1DT: a T without a time is not allowed",
    ),
    (
        "samlify/test/misc/idpmeta",
        "metadata.key_skipped",
        "KeyInfo is in the namespace of metadata, where it means nothing",
    ),
    (
        "spring-security/saml2/saml2-service-provider/src/test/resources/test-metadata.xml",
        "metadata.certificate_skipped",
        "a key of an unknown algorithm; openssl does not know it either",
    ),
    (
        "spring-security/saml2/saml2-service-provider/src/test/resources/test-metadata.xml",
        "metadata.key_skipped",
        "of this certificate",
    ),
];
