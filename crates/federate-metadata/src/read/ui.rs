//! Reading how to show a role to people.

use super::{SPACE, ignored, text};
use crate::names::MDUI;
use crate::{Diagnostic, DiscoHints, Localized, Logo, LogoSource, OpaqueElement, UiInfo};
use federate_xml::{Element, ReadProblem};

pub(super) fn info(element: Element<'_>, found: &mut Vec<Diagnostic>) -> UiInfo {
    const NAME: &str = "DisplayName";
    const DESCRIPTION: &str = "Description";
    const INFORMATION: &str = "InformationURL";
    const PRIVACY: &str = "PrivacyStatementURL";
    let mut info = UiInfo::default();
    for child in element.child_elements() {
        if child.namespace() != MDUI {
            info.other.push(OpaqueElement::of(child));
            continue;
        }
        match child.local_name() {
            NAME => info
                .display_names
                .extend(text::localized(child, NAME, found)),
            DESCRIPTION => {
                let text = text::localized(child, DESCRIPTION, found);
                info.descriptions.extend(text);
            }
            "Keywords" => info.keywords.extend(keywords(child, found)),
            "Logo" => match logo(child) {
                Ok(logo) => info.logos.push(logo),
                Err(reason) => ignored("Logo", reason, found),
            },
            INFORMATION => {
                let url = text::localized_address(child, INFORMATION, found);
                info.information_urls.extend(url);
            }
            PRIVACY => {
                let url = text::localized_address(child, PRIVACY, found);
                info.privacy_statement_urls.extend(url);
            }
            _ => info.other.push(OpaqueElement::of(child)),
        }
    }
    info
}

fn keywords(element: Element<'_>, found: &mut Vec<Diagnostic>) -> Option<Localized<Vec<String>>> {
    let Localized { lang, value } = text::localized(element, "Keywords", found)?;
    let words = value.split(SPACE).filter(|word| !word.is_empty());
    Some(Localized {
        lang,
        value: words.map(str::to_owned).collect(),
    })
}

fn logo(element: Element<'_>) -> Result<Logo, ReadProblem> {
    let size = |attribute| {
        let text = element
            .attribute(attribute)
            .ok_or(ReadProblem::MissingAttribute(attribute))?;
        text::positive(text).ok_or(text::not_positive(attribute))
    };
    let invalid = ReadProblem::InvalidValue {
        what: "Logo",
        expected: LogoSource::EXPECTED,
    };
    let source = element.trimmed_text().map_err(|error| error.problem)?;
    Ok(Logo {
        source: LogoSource::new(source).map_err(|_| invalid)?,
        height: size("height")?,
        width: size("width")?,
        lang: text::lang(element),
    })
}

pub(super) fn hints(element: Element<'_>, found: &mut Vec<Diagnostic>) -> DiscoHints {
    const IP: &str = "IPHint";
    const DOMAIN: &str = "DomainHint";
    const PLACE: &str = "GeolocationHint";
    let mut hints = DiscoHints::default();
    for child in element.child_elements() {
        match (child.namespace(), child.local_name()) {
            (MDUI, IP) => hints.ip_hints.extend(text::text(child, IP, found)),
            (MDUI, DOMAIN) => hints.domain_hints.extend(text::text(child, DOMAIN, found)),
            (MDUI, PLACE) => {
                let place = text::text(child, PLACE, found);
                hints.geolocation_hints.extend(place);
            }
            _ => hints.other.push(OpaqueElement::of(child)),
        }
    }
    hints
}
