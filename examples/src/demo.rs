//! The demo users.

use crate::data_dir::DataDir;
use crate::problem::Problem;
use federate::crypto::CryptoProvider;
use federate::hub::{DirectoryUser, hash_password};
use federate::session::Profile;
use std::collections::BTreeMap;

/// Where their passwords are kept, so that they stay the same.
const FILE: &str = "demo-users.toml";

/// Name, name for people, groups.
const PEOPLE: [(&str, &str, &[&str]); 2] = [
    ("alice", "Alice Liddell", &["editors", "staff"]),
    ("bob", "Bob Cratchit", &["staff"]),
];

/// The demo users, and their names with the passwords to print.
pub(crate) struct DemoUsers {
    pub(crate) users: BTreeMap<String, DirectoryUser>,
    pub(crate) passwords: Vec<(String, String)>,
}

/// Whether a configured user would take the place of a demo user.
pub(crate) fn is_demo_user(name: &str) -> bool {
    PEOPLE.iter().any(|(demo, ..)| *demo == name)
}

/// The demo users; their passwords are made at the first start.
pub(crate) fn users(data: &DataDir, provider: &CryptoProvider) -> Result<DemoUsers, Problem> {
    let text = data.text(FILE, || {
        let mut text = "# The passwords of the hub's demo users.\n".to_owned();
        for (name, ..) in PEOPLE {
            let password = password(provider)?;
            text.push_str(&format!("{name} = \"{password}\"\n"));
        }
        Ok(text)
    })?;
    let file = data.path().join(FILE);
    let mut known: BTreeMap<String, String> = toml::from_str(&text)
        .map_err(|e| Problem::of(file.display(), e.message().replace('\n', ", ")))?;
    let mut demo = DemoUsers {
        users: BTreeMap::new(),
        passwords: Vec::new(),
    };
    for (name, display_name, groups) in PEOPLE {
        let password = known
            .remove(name)
            .ok_or_else(|| Problem::of(file.display(), format_args!("{name} is missing")))?;
        let values = |values: &[&str]| values.iter().map(|v| (*v).to_owned()).collect();
        let attributes = BTreeMap::from([
            ("email".to_owned(), vec![format!("{name}@example.com")]),
            ("name".to_owned(), vec![display_name.to_owned()]),
            ("groups".to_owned(), values(groups)),
        ]);
        let user = DirectoryUser {
            password_hash: hash_password(provider, &password)?,
            profile: Profile { attributes },
        };
        demo.users.insert(name.to_owned(), user);
        demo.passwords.push((name.to_owned(), password));
    }
    Ok(demo)
}

/// Sixteen letters and digits that cannot be mistaken for one another: 79 random bits.
fn password(provider: &CryptoProvider) -> Result<String, Problem> {
    const ALPHABET: &[u8; 31] = b"abcdefghjkmnpqrstuvwxyz23456789";
    let mut password = String::new();
    while password.len() < 19 {
        let mut octet = [0];
        provider
            .random
            .fill(&mut octet)
            .map_err(|e| Problem::new(e.to_string()))?;
        // Octets beyond the last multiple of 31 would favour the first letters.
        let [octet] = octet;
        if let Some(letter) = ALPHABET
            .get(usize::from(octet % 31))
            .filter(|_| octet < 248)
        {
            if password.len() % 5 == 4 {
                password.push('-');
            }
            password.push(char::from(*letter));
        }
    }
    Ok(password)
}
