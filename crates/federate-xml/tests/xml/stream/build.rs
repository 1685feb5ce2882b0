//! Documents of groups and parts, made of octets.

const PREFIXES: [&str; 4] = ["", "p", "q", "xs"];
const NAMES: [&str; 3] = ["urn:x", "urn:y", "urn:z"];

/// Builds a document of groups and parts as the octets say: prefixes are declared, used, declared
/// otherwise and taken back, and there is text of every kind between and inside.
struct Builder<'a> {
    octets: std::slice::Iter<'a, u8>,
    out: String,
    ids: usize,
}

impl Builder<'_> {
    /// Once in so many times.
    fn once_in(&mut self, times: usize) -> bool {
        self.octet().is_multiple_of(times)
    }

    fn octet(&mut self) -> usize {
        usize::from(self.octets.next().copied().unwrap_or(0))
    }

    fn text(&mut self, blank: bool) {
        let blanks = [
            "",
            "\n ",
            "\r\n\t",
            " \r ",
            "<!-- c -->",
            "&#32;",
            "\u{20}<?p i?>",
        ];
        let texts = [
            "a > b",
            "&amp;&lt;",
            "<![CDATA[<x>&]]>",
            "\u{feff}",
            "\u{e9}\u{10ffff}",
            "&#13;",
            "t\rt",
        ];
        let number = self.octet();
        self.out.push_str(match blank || number.is_multiple_of(3) {
            true => blanks[number % blanks.len()],
            false => texts[number % texts.len()],
        });
    }

    fn element(&mut self, scope: &[&str; 4], depth: usize, group: bool) {
        let mut scope = *scope;
        let mut attributes = String::new();
        for at in 0..4 {
            let choice = self.octet() % 8;
            if let Some(name) = NAMES.get(choice) {
                scope[at] = name;
            } else if at == 0 && choice == 3 {
                scope[at] = "";
            } else {
                continue;
            }
            let colon = if at == 0 { "" } else { ":" };
            attributes += &format!(" xmlns{colon}{}='{}'", PREFIXES[at], scope[at]);
        }
        let bound = |at: usize| at == 0 || !scope[at].is_empty();
        let at = self.octet() % 4;
        // A group is known by its name, which is in no namespace or in one.
        let at = if group || !bound(at) { 0 } else { at };
        let local = if group { "g" } else { "e" };
        let prefix = PREFIXES[at];
        let qname = match prefix {
            "" => local.to_owned(),
            _ => format!("{prefix}:{local}"),
        };
        for (at, prefix) in PREFIXES.iter().enumerate().skip(1) {
            if bound(at) && self.once_in(4) {
                attributes += &format!(" {}:a{at}=\"&#9;'\r\n\"", prefix);
            }
        }
        if self.once_in(3) {
            self.ids += 1;
            attributes += &format!(" ID='_{}' b=\"x>y\" xml:lang='en'", self.ids);
        }
        self.out += &format!("<{qname}{attributes}");
        if self.once_in(5) {
            self.out += "/>";
            return;
        }
        self.out += " >";
        while depth < 5 && self.octet() % 5 > 1 {
            self.text(group);
            let inner = group && self.once_in(4);
            self.element(&scope, depth + 1, inner);
        }
        self.text(group && depth.is_multiple_of(2));
        self.out += &format!("</{qname}\n>");
    }
}

pub(super) fn build(octets: &[u8]) -> String {
    let mut builder = Builder {
        octets: octets.iter(),
        out: "<?xml version='1.0'?><!-- before --><g ID='_r' xmlns:p='urn:x' xmlns='urn:x'"
            .to_owned(),
        ids: 0,
    };
    let mut scope = ["urn:x", "urn:x", "", ""];
    if builder.once_in(2) {
        builder.out += " xmlns:q='urn:y'";
        scope[2] = "urn:y";
    }
    builder.out += ">";
    while !builder.octets.as_slice().is_empty() {
        builder.text(true);
        let group = builder.once_in(3);
        builder.element(&scope, 0, group);
    }
    builder.text(true);
    builder.out += "</g> <!-- after -->";
    builder.out
}
