//! Other people's software as the judge: xmlsec1 verifies what we sign, we verify what it
//! signs; xmllint canonicalizes as we do.

use crate::support::*;
use federate_testkit::keys;
use federate_xml::{
    Canonicalization, CanonicalizationAlgorithm, Document, Limits, Name, SAML, Writer, canonicalize,
};
use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output};

/// Whether a program is there. Without it a test is skipped, unless the environment variable
/// `FEDERATE_REQUIRE_PEERS` is 1, as in CI.
pub(crate) fn installed(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    if !found {
        println!("skipped: {program} is not installed");
        let required = std::env::var("FEDERATE_REQUIRE_PEERS").is_ok_and(|v| v == "1");
        assert!(!required, "{program} is not installed");
    }
    found
}

/// A directory of its own for one test, gone afterwards.
pub(crate) struct Folder(pub(crate) std::path::PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("federate-xml-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn file(&self, name: &str, content: &str) -> std::path::PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn xmlsec1(arguments: &[&OsStr]) -> Output {
    Command::new("xmlsec1").args(arguments).output().unwrap()
}

/// What xmlsec1 says of the assertion in a file, under our certificate.
fn judged_good(file: &Path, certificate: &Path) -> bool {
    let id = format!("--id-attr:ID={SAML}:Assertion");
    let (option, name) = id.split_once('=').unwrap();
    let output = xmlsec1(&[
        OsStr::new("--verify"),
        OsStr::new("--pubkey-cert-pem"),
        certificate.as_os_str(),
        OsStr::new(option),
        OsStr::new(name),
        file.as_os_str(),
    ]);
    output.status.success()
}

/// Names that are written specially in XML.
const NAMES: [&str; 5] = [
    ALICE,
    "a & b < c > d \" ' e",
    " tab\tline\nreturn\r ",
    "\u{fc}ber \u{1f511} \u{85}\u{2028}\u{feff}",
    "]]>",
];

#[test]
fn xmlsec1_verifies_what_we_sign() {
    if !installed("xmlsec1") {
        return;
    }
    let folder = Folder::new("ours");
    let certificate = folder.file("certificate.pem", keys::RSA_CERTIFICATE);
    for name in NAMES {
        let document = sign(&signer(), name);
        let file = folder.file("assertion.xml", &document);
        assert!(judged_good(&file, &certificate), "{document}");
        // And it is no yes-sayer.
        let file = folder.file("changed.xml", &swap(&document, "2.0", "2.1"));
        assert!(!judged_good(&file, &certificate));
        // The assertion stays signed inside a response that declares more namespaces.
        let inside = format!("<r xmlns:xs=\"urn:x\" xmlns=\"urn:y\">\n {document}</r>");
        let file = folder.file("inside.xml", &inside);
        assert!(judged_good(&file, &certificate), "{inside}");
    }
}

#[test]
fn we_verify_what_xmlsec1_signs() {
    if !installed("xmlsec1") {
        return;
    }
    let folder = Folder::new("theirs");
    let key = folder.file("key.pem", keys::RSA_KEY);
    let transforms = algorithm("Transform", ENVELOPED, "") + &algorithm("Transform", EXCLUSIVE, "");
    let listed = algorithm("Transform", ENVELOPED, "")
        + &algorithm(
            "Transform",
            EXCLUSIVE,
            &format!(
                "<ec:InclusiveNamespaces xmlns:ec=\"{}\" PrefixList=\"xs #default\"/>",
                federate_xml::EC
            ),
        );
    let sha256 = federate_crypto::DigestAlgorithm::Sha256.uri();
    for name in NAMES {
        for transforms in [&transforms, &listed] {
            // A template: the Signature after the Issuer, with its values to be filled in.
            let info = Info::new([reference_raw(
                " URI=\"#_a\"",
                transforms,
                sha256,
                "<ds:DigestValue/>",
            )]);
            let template = insert(&assertion("_a", name), &signature(&info.inside(), b""));
            let template = swap(
                &template,
                " Version=",
                " xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" xmlns=\"urn:default\"\n\tVersion=",
            );
            let template = folder.file("template.xml", &template);
            let signed = folder.0.join("signed.xml");
            let id = format!("{SAML}:Assertion");
            let output = xmlsec1(&[
                OsStr::new("--sign"),
                OsStr::new("--privkey-pem"),
                key.as_os_str(),
                OsStr::new("--id-attr:ID"),
                OsStr::new(&id),
                OsStr::new("--output"),
                signed.as_os_str(),
                template.as_os_str(),
            ]);
            assert!(output.status.success(), "{output:?}");
            let document = std::fs::read_to_string(&signed).unwrap();
            assert_eq!(verify(&document).unwrap().name_id, name, "{document}");
        }
    }
}

#[test]
fn xmllint_canonicalizes_as_we_do() {
    if !installed("xmllint") {
        return;
    }
    let folder = Folder::new("canonical");
    let mut writer = Writer::new();
    writer.start(Name::saml("Assertion"));
    writer.attribute(Name::new(federate_xml::XSI, "xsi", "type"), "\t\"<>&'\r\n");
    writer.element(Name::new("urn:d", "", "d"), "]]> &");
    let written = String::from_utf8(writer.finish()).unwrap();
    let documents = [
        written.as_str(),
        "<a z='1' b=\"2\" ><c/><!-- c --> &lt;&gt;&amp;&quot;&apos;</a>",
        "<a b='x\ty\nz\r\nw' c='&#9;&#10;&#13;&#32;'>x\r\ny\rz&#13;\u{85}</a>",
        "<a xmlns='urn:a'><b xmlns=''><c xmlns='urn:a'/><d/></b></a>",
        "<a xmlns:p='urn:p' xmlns:q='urn:q'><p:b q:c='1' p:c='2' c='3'/><q:b xmlns:q='urn:p'/></a>",
        "<p:a xmlns:p='urn:1'><p:b xmlns:p='urn:2'><p:c xmlns:p='urn:1'/></p:b><p:d/></p:a>",
        "<a xmlns:x='urn:x'><b xml:lang='de' xml:space='preserve' x:y='&amp;&#x41;'/></a>",
        "<a><![CDATA[<&>]]>]]&gt;<![CDATA[]]></a>",
        // (Not with "&" in a namespace name: libxml2 writes it unescaped, which is no XML.)
        "<a xmlns='urn:%C3%A9?x#y'>\u{1f511}\u{e9}</a>",
        "<e a:attr='1' b:attr='2' attr='3' xmlns:b='http://a' xmlns:a='http://b'/>",
        "<e \u{e9}='1' z='2' \u{1d51e}='3' \u{ffdc}='4'/>",
    ];
    use CanonicalizationAlgorithm::{Exclusive, Inclusive10, Inclusive11};
    let methods = [
        ("--exc-c14n", Exclusive),
        ("--c14n", Inclusive10),
        ("--c14n11", Inclusive11),
    ];
    for (text, (option, algorithm)) in documents
        .iter()
        .flat_map(|text| methods.iter().map(move |method| (text, method)))
    {
        let method = Canonicalization {
            algorithm: *algorithm,
            with_comments: true,
            inclusive_prefixes: Vec::new(),
        };
        let file = folder.file("document.xml", text);
        let output = Command::new("xmllint")
            .arg(option)
            .arg(&file)
            .output()
            .unwrap();
        let document = Document::parse(text.as_bytes(), &Limits::default()).unwrap();
        let mut ours = Vec::new();
        canonicalize(document.root(), None, &method, &mut ours);
        assert_eq!(
            String::from_utf8(ours).unwrap(),
            String::from_utf8(output.stdout).unwrap(),
            "{option} {text}"
        );
    }
}
