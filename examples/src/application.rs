//! The options of one application in the configuration file.

use crate::config::duration;
use crate::metadata::Described;
use federate::Application;
use federate::crypto::SignatureAlgorithm;
use federate::hub::ReturnToList;
use federate::saml::SignedPart;
use federate::types::{ClockSkew, EntityId, NameIdFormat};
use serde::Deserialize;
use std::collections::BTreeMap;

/// An application: what it is, and how it is answered. What is left out is as usual.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApplicationEntry {
    pub(crate) name: String,
    pub(crate) metadata: String,
    name_id_format: Option<Format>,
    #[serde(default)]
    name_id_from: Vec<String>,
    #[serde(default)]
    sign: Sign,
    signature: Option<Signature>,
    #[serde(default)]
    encrypt: bool,
    lifetime: Option<String>,
    skew: Option<String>,
    audience: Option<String>,
    authn_context: Option<String>,
    /// The names by which attributes of the profile are told; none keeps one back.
    #[serde(default)]
    attributes: BTreeMap<String, Vec<String>>,
    #[serde(default = "yes")]
    other_attributes: bool,
    #[serde(default)]
    upn: bool,
    #[serde(default = "yes")]
    name_formats: bool,
    #[serde(default)]
    typed_attributes: bool,
    #[serde(default = "yes")]
    use_hub_session: bool,
    #[serde(default)]
    web_origins: Vec<String>,
    #[serde(default)]
    return_to: Vec<String>,
    #[serde(default)]
    logout_in_frames: bool,
}

const fn yes() -> bool {
    true
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Format {
    Email,
    Persistent,
    Transient,
    Unspecified,
    X509SubjectName,
    WindowsDomainQualifiedName,
    Kerberos,
    Entity,
}

impl From<Format> for NameIdFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Email => Self::EmailAddress,
            Format::Persistent => Self::Persistent,
            Format::Transient => Self::Transient,
            Format::Unspecified => Self::Unspecified,
            Format::X509SubjectName => Self::X509SubjectName,
            Format::WindowsDomainQualifiedName => Self::WindowsDomainQualifiedName,
            Format::Kerberos => Self::Kerberos,
            Format::Entity => Self::Entity,
        }
    }
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Sign {
    #[default]
    Assertion,
    Response,
    Both,
}

/// The algorithms of the hub's RSA key.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Signature {
    RsaSha256,
    RsaSha384,
    RsaSha512,
    RsaPssSha256,
}

impl ApplicationEntry {
    /// By which algorithm its responses are signed, if not by the hub's usual one.
    pub(crate) fn signature_algorithm(&self) -> Option<SignatureAlgorithm> {
        self.signature.map(|signature| match signature {
            Signature::RsaSha256 => SignatureAlgorithm::RsaSha256,
            Signature::RsaSha384 => SignatureAlgorithm::RsaSha384,
            Signature::RsaSha512 => SignatureAlgorithm::RsaSha512,
            Signature::RsaPssSha256 => SignatureAlgorithm::RsaPssSha256,
        })
    }

    pub(crate) fn described(&self) -> Described<'_> {
        Described {
            key: "application",
            name: &self.name,
            metadata: &self.metadata,
        }
    }

    /// Sets the options.
    pub(crate) fn apply(&self, application: &mut Application) -> Result<(), String> {
        if let Some(format) = self.name_id_format {
            application.name_id_format = format.into();
        }
        application.name_id_probes.clone_from(&self.name_id_from);
        application.issue.signed_part = match self.sign {
            Sign::Assertion => SignedPart::Assertion,
            Sign::Response => SignedPart::Response,
            Sign::Both => SignedPart::Both,
        };
        let span = |key: &str, text: &String| {
            let why =
                format!("{key}: {text:?} is not a number of hours or minutes, such as \"5m\"");
            duration(text).ok_or(why)
        };
        if let Some(text) = &self.lifetime {
            application.issue.lifetime = span("lifetime", text)?;
        }
        if let Some(text) = &self.skew {
            let skew = ClockSkew::new(span("skew", text)?).map_err(|e| format!("skew: {e}"))?;
            (application.issue.skew, application.policy.skew) = (skew, skew);
        }
        if let Some(audience) = &self.audience {
            let audience = EntityId::new(audience).map_err(|e| format!("audience: {e}"))?;
            application.audience = Some(audience);
        }
        application
            .authn_context_class_ref
            .clone_from(&self.authn_context);
        application.issue.typed_attributes = self.typed_attributes;
        application.release.mappings.clone_from(&self.attributes);
        application.release.pass_unmapped = self.other_attributes;
        application.release.create_upn = self.upn;
        application.release.name_formats = self.name_formats;
        application.encrypt_assertions = self.encrypt;
        application.use_hub_session = self.use_hub_session;
        for origin in &self.web_origins {
            let url = url::Url::parse(origin);
            if !url.is_ok_and(|url| url.origin().ascii_serialization() == *origin) {
                return Err(format!(
                    "web_origins: {origin:?} is not an origin, such as \"https://app.example\""
                ));
            }
        }
        application.web_origins.clone_from(&self.web_origins);
        let return_to = ReturnToList::new(&self.return_to);
        application.return_to = return_to.map_err(|e| format!("return_to: {e}"))?;
        application.logout_in_frames = self.logout_in_frames;
        let sp = application.metadata.sp.as_ref();
        if self.encrypt && sp.is_none_or(|sp| sp.encryption_certificates().next().is_none()) {
            return Err("encrypt: its metadata has no certificate to encrypt to".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const METADATA: &str = r#"<md:EntityDescriptor entityID="https://wiki.example/saml"
        xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"><md:SPSSODescriptor
        protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:AssertionConsumerService
        index="0" Location="https://wiki.example/acs"
        Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"/></md:SPSSODescriptor></md:EntityDescriptor>"#;

    fn applied(options: &str) -> Result<Application, String> {
        let text = format!("name = \"Wiki\"\nmetadata = \"wiki.xml\"\n{options}");
        let entry: ApplicationEntry = toml::from_str(&text).map_err(|e| e.message().to_owned())?;
        let mut application = Application::from_metadata("Wiki", METADATA.as_bytes()).unwrap();
        entry.apply(&mut application)?;
        Ok(application)
    }

    #[test]
    fn without_options_an_application_is_as_usual() {
        let usual = Application::from_metadata("Wiki", METADATA.as_bytes()).unwrap();
        assert_eq!(format!("{:?}", applied("").unwrap()), format!("{usual:?}"));
    }

    #[test]
    fn every_option_is_set() {
        let application = applied(
            "name_id_format = \"persistent\"\nname_id_from = [\"employee\", \"email\"]\n\
             sign = \"both\"\nlifetime = \"1h\"\nskew = \"1m\"\naudience = \"urn:wiki\"\n\
             authn_context = \"urn:class\"\nother_attributes = false\nupn = true\n\
             name_formats = false\ntyped_attributes = true\nattributes = { email = [\"mail\"] }",
        )
        .unwrap();
        assert_eq!(application.name_id_format, NameIdFormat::Persistent);
        assert_eq!(application.name_id_probes, ["employee", "email"]);
        assert_eq!(application.issue.signed_part, SignedPart::Both);
        assert_eq!(application.issue.lifetime, chrono::TimeDelta::hours(1));
        assert_eq!(
            application.policy.skew.as_delta(),
            chrono::TimeDelta::minutes(1)
        );
        assert_eq!(application.audience.unwrap().as_str(), "urn:wiki");
        assert_eq!(
            application.authn_context_class_ref.as_deref(),
            Some("urn:class")
        );
        let release = application.release;
        assert!(!release.pass_unmapped && release.create_upn && !release.name_formats);
        assert_eq!(release.mappings["email"], ["mail"]);
        assert!(application.issue.typed_attributes);
    }

    #[test]
    fn an_application_can_have_an_algorithm_of_its_own() {
        for (name, expected) in [
            ("rsa-sha512", SignatureAlgorithm::RsaSha512),
            ("rsa-pss-sha256", SignatureAlgorithm::RsaPssSha256),
        ] {
            let text = format!("name = \"a\"\nmetadata = \"a\"\nsignature = \"{name}\"");
            let entry: ApplicationEntry = toml::from_str(&text).unwrap();
            assert_eq!(entry.signature_algorithm(), Some(expected));
        }
    }

    #[test]
    fn bad_options_are_told() {
        for (options, expected) in [
            ("name_id_format = \"mail\"", "unknown variant `mail`"),
            ("sign = \"none\"", "unknown variant `none`"),
            ("signature = \"rsa-sha1\"", "unknown variant `rsa-sha1`"),
            ("lifetime = \"long\"", "lifetime: \"long\" is not a number"),
            ("skew = \"1h\"", "skew: "),
            ("audience = \"\"", "audience: "),
            ("encrypt = true", "encrypt: its metadata has no certificate"),
        ] {
            let problem = applied(options).unwrap_err();
            assert!(problem.starts_with(expected), "{problem}");
        }
    }
}
