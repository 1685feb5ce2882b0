//! Writing how to show a role to people.

use super::{localized, localized_text, number, texts};
use crate::names::{LANG, MDUI, mdui};
use crate::{DiscoHints, Logo, UiInfo};
use federate_xml::{MD, Writer};

/// What is declared around extensions of these extensions.
const AROUND: [(&str, &str); 2] = [("md", MD), ("mdui", MDUI)];

impl UiInfo {
    /// [MDUI] 2.1.
    pub(super) fn write(&self, writer: &mut Writer) {
        writer.start(mdui("UIInfo"));
        localized(writer, mdui("DisplayName"), &self.display_names);
        localized(writer, mdui("Description"), &self.descriptions);
        for keywords in &self.keywords {
            let words = keywords.value.join(" ");
            localized_text(writer, mdui("Keywords"), &keywords.lang, &words);
        }
        for one in &self.logos {
            logo(writer, one);
        }
        localized(writer, mdui("InformationURL"), &self.information_urls);
        let privacy = &self.privacy_statement_urls;
        localized(writer, mdui("PrivacyStatementURL"), privacy);
        for extension in &self.other {
            extension.write(writer, &AROUND);
        }
        writer.end();
    }
}

fn logo(writer: &mut Writer, logo: &Logo) {
    writer.start(mdui("Logo"));
    number(writer, "height", Some(logo.height));
    number(writer, "width", Some(logo.width));
    writer.optional_attribute(LANG, logo.lang.as_deref());
    writer.text(logo.source.as_str());
    writer.end();
}

impl DiscoHints {
    /// [MDUI] 2.2.
    pub(super) fn write(&self, writer: &mut Writer) {
        writer.start(mdui("DiscoHints"));
        texts(writer, mdui("IPHint"), &self.ip_hints);
        texts(writer, mdui("DomainHint"), &self.domain_hints);
        texts(writer, mdui("GeolocationHint"), &self.geolocation_hints);
        for extension in &self.other {
            extension.write(writer, &AROUND);
        }
        writer.end();
    }
}
