//! Which attributes of a person an application is told, and by which names.

use super::{Application, IdentityProvider, SignOnDemand};
use federate_metadata::{RequestedAttribute, SpDescriptor};
use federate_saml::Attribute;
use federate_session::Profile;
use std::collections::BTreeMap;

/// The claim of Windows applications for a person's principal name.
const UPN: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn";

/// What an application is told of a person's profile.
///
/// ```
/// use federate::idp::AttributeRelease;
/// use federate::session::Profile;
/// let release = AttributeRelease {
///     mappings: [("email".to_owned(), vec!["User.Email".to_owned(), "mail".to_owned()])].into(),
///     pass_unmapped: false,
///     ..AttributeRelease::default()
/// };
/// let mut profile = Profile::default();
/// profile.attributes.insert("email".to_owned(), vec!["alice@example.com".to_owned()]);
/// profile.attributes.insert("shoe-size".to_owned(), vec!["38".to_owned()]);
/// let told = release.attributes(&profile);
/// assert_eq!(told.iter().map(|a| a.name.as_str()).collect::<Vec<_>>(), ["User.Email", "mail"]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeRelease {
    /// By which names an attribute of the profile is told; none keeps it back.
    pub mappings: BTreeMap<String, Vec<String>>,
    /// Whether attributes without a mapping are told by their own name.
    pub pass_unmapped: bool,
    /// Whether the e-mail address is told as the principal name of Windows applications, too.
    pub create_upn: bool,
    /// Whether nothing else is told than what the application's metadata asks for
    /// (`[SAMLMeta] 2.4.4`): the set of attributes that the request names, or the default one,
    /// and of an attribute the values it lists, if it lists any. Without a set, nothing is told.
    /// See [`IdentityProvider::attributes`].
    pub only_requested: bool,
    /// Whether names tell their format: `uri`, `basic` or `unspecified`, whichever fits.
    pub name_formats: bool,
}

impl Default for AttributeRelease {
    /// The whole profile, by its own names.
    fn default() -> Self {
        Self {
            mappings: BTreeMap::new(),
            pass_unmapped: true,
            create_upn: false,
            only_requested: false,
            name_formats: true,
        }
    }
}

impl AttributeRelease {
    /// The attributes that an application is told: those with a value. What its metadata asks
    /// for is not known here.
    #[must_use]
    pub fn attributes(&self, profile: &Profile) -> Vec<Attribute> {
        let mut told = Vec::new();
        let mut tell = |name: &str, values: &[String]| {
            // What XML cannot carry would become another value on the way.
            let values: Vec<&String> = values.iter().filter(|v| is_xml_text(v)).collect();
            if values.is_empty() || !is_xml_text(name) {
                return;
            }
            let mut attribute = Attribute::new(name, values);
            if !self.name_formats {
                attribute.name_format = None;
            }
            told.push(attribute);
        };
        let present = profile.attributes.iter().filter(|(_, v)| !v.is_empty());
        for (name, values) in present {
            match self.mappings.get(name) {
                Some(names) => names.iter().for_each(|name| tell(name, values)),
                None if self.pass_unmapped => tell(name, values),
                None => {}
            }
        }
        if let (true, Some(email)) = (self.create_upn, profile.first("email")) {
            tell(UPN, &[email.to_owned()]);
        }
        told
    }
}

/// `[XML] 2.2`: whether every character may occur in a document.
fn is_xml_text(text: &str) -> bool {
    text.chars().all(|c| {
        let control = c.is_ascii_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{7f}');
        !control && !matches!(c, '\u{fffe}' | '\u{ffff}')
    })
}

impl IdentityProvider {
    /// The attributes that an application is told in answer to a demand: those of its
    /// [`release`](Application::release), and of them the ones of the set that the demand names
    /// (`[SAMLCore] 3.4.1`). A number that its metadata does not have names nothing. With
    /// [`only_requested`](AttributeRelease::only_requested), the default set narrows them, too.
    #[must_use]
    pub fn attributes(
        &self,
        demand: &SignOnDemand,
        application: &Application,
        profile: &Profile,
    ) -> Vec<Attribute> {
        let mut attributes = application.release.attributes(profile);
        let metadata = self.metadata_of(application).ok();
        let sp = metadata.as_ref().and_then(|metadata| metadata.sp.as_ref());
        let index = demand.attribute_consuming_service_index;
        let named = index.and_then(|index| sp?.attribute_consuming_service_by_index(index));
        let service = match named {
            None if application.release.only_requested => {
                sp.and_then(SpDescriptor::default_attribute_consuming_service)
            }
            named => named,
        };
        match service {
            Some(service) => narrow(&mut attributes, &service.requested_attributes),
            None if application.release.only_requested => attributes.clear(),
            None => {}
        }
        attributes
    }
}

/// `[SAMLMeta] 2.4.4.2`: what is wanted, and of it the values that are wanted.
fn narrow(attributes: &mut Vec<Attribute>, wanted: &[RequestedAttribute]) {
    attributes.retain_mut(|told| {
        let asked: Vec<_> = wanted.iter().filter(|w| is_wanted(told, w)).collect();
        told.values.retain(|value| {
            let text = value.as_text();
            asked.iter().any(|wanted| {
                let values = &wanted.values;
                values.is_empty() || values.iter().any(|v| Some(v.as_str()) == text)
            })
        });
        !told.values.is_empty()
    });
}

/// `[SAMLMeta] 2.4.4.2`: the same name, in the same format where both have one.
fn is_wanted(told: &Attribute, wanted: &RequestedAttribute) -> bool {
    const UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified";
    let specified = |format: &Option<String>| format.clone().filter(|f| f != UNSPECIFIED);
    let formats = specified(&told.name_format).zip(specified(&wanted.name_format));
    told.name == wanted.name && formats.is_none_or(|(told, wanted)| told == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile() -> Profile {
        let mut profile = Profile::default();
        for (name, values) in [
            ("email", vec!["alice@example.com"]),
            ("groups", vec!["staff", "admins"]),
            ("empty", vec![]),
        ] {
            let values = values.into_iter().map(str::to_owned).collect();
            profile.attributes.insert(name.to_owned(), values);
        }
        profile
    }

    fn told(release: &AttributeRelease) -> Vec<(String, bool, usize)> {
        let attributes = release.attributes(&profile()).into_iter();
        attributes
            .map(|a| (a.name, a.name_format.is_some(), a.values.len()))
            .collect()
    }

    #[test]
    fn what_xml_cannot_carry_is_not_told_as_something_else() {
        let mut profile = Profile::default();
        let values = ["a\u{1}b", "a\u{2}b", "\u{ffff}", "caf\u{e9}\t\u{1f600}"];
        let values = values.map(str::to_owned).to_vec();
        profile.attributes.insert("cn".to_owned(), values.clone());
        profile
            .attributes
            .insert("none".to_owned(), values[..2].to_vec());
        profile.attributes.insert("bad\u{b}name".to_owned(), values);
        let told = AttributeRelease::default().attributes(&profile);
        let values: Vec<_> = told.iter().flat_map(|a| &a.values).collect();
        assert_eq!((told.len(), values.len()), (1, 1));
        assert_eq!(values[0].as_text(), Some("caf\u{e9}\t\u{1f600}"));
    }

    #[test]
    fn mappings_rename_hide_and_multiply() {
        let mut release = AttributeRelease::default();
        let all = [
            ("email".to_owned(), true, 1),
            ("groups".to_owned(), true, 2),
        ];
        assert_eq!(told(&release), all);
        release.mappings.insert("groups".to_owned(), Vec::new());
        assert_eq!(told(&release), all[..1]);
        release.name_formats = false;
        release.create_upn = true;
        let expected = [("email".to_owned(), false, 1), (UPN.to_owned(), false, 1)];
        assert_eq!(told(&release), expected);
    }
}
