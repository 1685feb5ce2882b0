//! The assertion (`[SAMLCore] 2.3.3`): read and written by the same types.

use crate::attribute::{Attribute, XS_PREFIX};
use crate::message::{invalid, read_id, read_issuer, write_id, write_issuer};
use crate::names::{
    ADVICE, ASSERTION, ATTRIBUTE, ATTRIBUTE_STATEMENT, AUDIENCE, AUDIENCE_RESTRICTION,
    AUTHENTICATING_AUTHORITY, AUTHN_CONTEXT, AUTHN_CONTEXT_CLASS_REF, AUTHN_STATEMENT, CONDITIONS,
    ISSUER, ONE_TIME_USE, PROXY_RESTRICTION, SIGNATURE, SUBJECT, SUBJECT_LOCALITY,
};
use crate::subject::Subject;
use chrono::{DateTime, Utc};
use federate_types::{EntityId, MessageId, ProxyRestriction, SessionIndex};
use federate_xml::{Element, FromElement, Name, ReadError, ReadProblem, Writer, XS};

/// What one party states about a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assertion {
    /// Its identifier, unique to the issuer; the replay check remembers it.
    pub id: MessageId,
    /// When it was made.
    pub issue_instant: DateTime<Utc>,
    /// Who made it.
    pub issuer: EntityId,
    /// Whom it is about.
    pub subject: Option<Subject>,
    /// Under which conditions it holds.
    pub conditions: Option<Conditions>,
    /// When and how the person proved who they are.
    pub authn_statements: Vec<AuthnStatement>,
    /// What else is known of the person, of all attribute statements together.
    pub attributes: Vec<Attribute>,
}

/// `[SAMLCore] 2.5.1`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conditions {
    /// The first instant at which the assertion holds.
    pub not_before: Option<DateTime<Utc>>,
    /// The first instant at which it no longer holds.
    pub not_on_or_after: Option<DateTime<Utc>>,
    /// Each restriction must name the reader (`[SAMLCore] 2.5.1.4`); within one, any
    /// audience will do.
    pub audience_restrictions: Vec<Vec<String>>,
    /// Whether the assertion may be used once only (`[SAMLCore] 2.5.1.5`).
    pub one_time_use: bool,
    /// Which assertions others may base on it, if that is restricted (`[SAMLCore] 2.5.1.6`).
    pub proxy_restriction: Option<ProxyRestriction>,
    /// How many conditions there are that this software does not know.
    pub unknown: usize,
}

/// `[SAMLCore] 2.7.2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthnStatement {
    /// When the person proved who they are.
    pub authn_instant: DateTime<Utc>,
    /// The issuer's name for the session.
    pub session_index: Option<SessionIndex>,
    /// The first instant at which the session must be over.
    pub session_not_on_or_after: Option<DateTime<Utc>>,
    /// How the person proved it: `AuthnContextClassRef`.
    pub authn_context: Option<String>,
    /// Identity providers that took part before the issuer, the one nearest to it last.
    pub authenticating_authorities: Vec<String>,
}

impl FromElement for Assertion {
    const ELEMENT: Name = ASSERTION;

    fn from_element(element: Element<'_>) -> Result<Self, ReadError> {
        element.only_attributes(ASSERTION, &["Version", "ID", "IssueInstant"])?;
        let (id, issue_instant) = read_id(element, ASSERTION)?;
        let mut children = element.children(ASSERTION)?;
        let issuer = read_issuer(children.required(ISSUER)?)?;
        children.optional(SIGNATURE);
        let subject = children.optional(SUBJECT);
        let conditions = children.optional(CONDITIONS);
        children.optional(ADVICE); // opaque: nothing in it is ever an assertion of ours
        let mut authn_statements = Vec::new();
        let mut attributes = Vec::new();
        while let Some(statement) = children.any() {
            if statement.is(AUTHN_STATEMENT) {
                authn_statements.push(AuthnStatement::read(statement)?);
            } else if statement.is(ATTRIBUTE_STATEMENT) {
                let mut inside = statement.children(ATTRIBUTE_STATEMENT)?;
                while let Some(attribute) = inside.optional(ATTRIBUTE) {
                    attributes.push(Attribute::read(attribute)?);
                }
                inside.finish()?;
            } else if !statement.is(Name::saml("Statement"))
                && !statement.is(Name::saml("AuthzDecisionStatement"))
            {
                let problem = ReadProblem::UnexpectedElement;
                return Err(ReadError::new(ASSERTION.local, problem));
            }
        }
        Ok(Self {
            id,
            issue_instant,
            issuer,
            subject: subject.map(Subject::read).transpose()?,
            conditions: conditions.map(Conditions::read).transpose()?,
            authn_statements,
            attributes,
        })
    }
}

impl Conditions {
    fn read(element: Element<'_>) -> Result<Self, ReadError> {
        element.only_attributes(CONDITIONS, &["NotBefore", "NotOnOrAfter"])?;
        let mut conditions = Self {
            not_before: element.instant(CONDITIONS, "NotBefore")?,
            not_on_or_after: element.instant(CONDITIONS, "NotOnOrAfter")?,
            ..Self::default()
        };
        let mut children = element.children(CONDITIONS)?;
        while let Some(condition) = children.any() {
            if condition.is(AUDIENCE_RESTRICTION) {
                let audiences = read_audiences(condition, AUDIENCE_RESTRICTION)?;
                conditions.audience_restrictions.push(audiences);
            } else if condition.is(ONE_TIME_USE) {
                conditions.one_time_use = true;
            } else if condition.is(PROXY_RESTRICTION) {
                let restriction = read_proxy_restriction(condition)?;
                if conditions.proxy_restriction.replace(restriction).is_some() {
                    // [SAMLCore] 2.5.1.6: not more than one.
                    let problem = ReadProblem::UnexpectedElement;
                    return Err(ReadError::new(CONDITIONS.local, problem));
                }
            } else {
                conditions.unknown += 1;
            }
        }
        Ok(conditions)
    }

    fn write(&self, w: &mut Writer) {
        w.start(CONDITIONS);
        if let Some(instant) = self.not_before {
            w.instant(Name::local("NotBefore"), instant);
        }
        if let Some(instant) = self.not_on_or_after {
            w.instant(Name::local("NotOnOrAfter"), instant);
        }
        for audiences in &self.audience_restrictions {
            w.start(AUDIENCE_RESTRICTION);
            write_audiences(w, audiences);
            w.end();
        }
        if self.one_time_use {
            w.element(ONE_TIME_USE, "");
        }
        if let Some(restriction) = &self.proxy_restriction {
            w.start(PROXY_RESTRICTION);
            if let Some(count) = restriction.count {
                w.attribute(Name::local("Count"), &count.to_string());
            }
            write_audiences(w, &restriction.audiences);
            w.end();
        }
        w.end();
    }
}

fn read_proxy_restriction(element: Element<'_>) -> Result<ProxyRestriction, ReadError> {
    let count = element.attribute("Count").map(str::parse).transpose();
    let problem = ReadProblem::InvalidValue {
        what: "Count",
        expected: "a number",
    };
    Ok(ProxyRestriction {
        count: count.map_err(|_| ReadError::new(PROXY_RESTRICTION.local, problem))?,
        audiences: read_audiences(element, PROXY_RESTRICTION)?,
    })
}

fn read_audiences(element: Element<'_>, of: Name) -> Result<Vec<String>, ReadError> {
    let mut children = element.children(of)?;
    let mut audiences = Vec::new();
    while let Some(audience) = children.optional(AUDIENCE) {
        audiences.push(audience.text()?.into_owned());
    }
    children.finish()?;
    Ok(audiences)
}

fn write_audiences(w: &mut Writer, audiences: &[String]) {
    for audience in audiences {
        w.element(AUDIENCE, audience);
    }
}

impl AuthnStatement {
    fn read(element: Element<'_>) -> Result<Self, ReadError> {
        let of = AUTHN_STATEMENT;
        let missing = ReadError::new(of.local, ReadProblem::MissingAttribute("AuthnInstant"));
        let authn_instant = element.instant(of, "AuthnInstant")?.ok_or(missing)?;
        let session_index = element
            .attribute("SessionIndex")
            .map(|index| SessionIndex::new(index).map_err(invalid(of)))
            .transpose()?;
        let mut children = element.children(of)?;
        children.optional(SUBJECT_LOCALITY);
        let context = children.required(AUTHN_CONTEXT)?;
        children.finish()?;
        let mut authn_context = None;
        let mut authenticating_authorities = Vec::new();
        let mut inside = context.children(AUTHN_CONTEXT)?;
        while let Some(child) = inside.any() {
            if child.is(AUTHN_CONTEXT_CLASS_REF) {
                authn_context = Some(child.trimmed_text()?.into_owned());
            } else if child.is(AUTHENTICATING_AUTHORITY) {
                authenticating_authorities.push(child.trimmed_text()?.into_owned());
            }
        }
        Ok(Self {
            authn_instant,
            session_index,
            session_not_on_or_after: element.instant(of, "SessionNotOnOrAfter")?,
            authn_context,
            authenticating_authorities,
        })
    }

    fn write(&self, w: &mut Writer) {
        w.start(AUTHN_STATEMENT);
        w.instant(Name::local("AuthnInstant"), self.authn_instant);
        if let Some(index) = &self.session_index {
            w.attribute(Name::local("SessionIndex"), index.as_str());
        }
        if let Some(instant) = self.session_not_on_or_after {
            w.instant(Name::local("SessionNotOnOrAfter"), instant);
        }
        w.start(AUTHN_CONTEXT);
        if let Some(class) = &self.authn_context {
            w.element(AUTHN_CONTEXT_CLASS_REF, class);
        }
        for authority in &self.authenticating_authorities {
            w.element(AUTHENTICATING_AUTHORITY, authority);
        }
        w.end();
        w.end();
    }
}

impl Assertion {
    /// Writes the assertion; its signature belongs right after the Issuer
    /// (`[SAMLCore] 2.3.3`).
    pub fn write(&self, w: &mut Writer) {
        self.write_with(&self.attributes, false, w);
    }

    /// Writes the assertion with these attributes instead of its own; their values tell their
    /// type if `typed`.
    pub(crate) fn write_with(&self, attributes: &[Attribute], typed: bool, w: &mut Writer) {
        w.start(ASSERTION);
        write_id(w, &self.id, self.issue_instant, None);
        write_issuer(w, &self.issuer);
        w.signature_belongs_here();
        if let Some(subject) = &self.subject {
            subject.write(w);
        }
        if let Some(conditions) = &self.conditions {
            conditions.write(w);
        }
        for statement in &self.authn_statements {
            statement.write(w);
        }
        // An empty AttributeStatement is not schema-valid, and real peers refuse it.
        if !attributes.is_empty() {
            w.start(ATTRIBUTE_STATEMENT);
            if typed {
                w.declare_for_values(XS_PREFIX, XS);
            }
            for attribute in attributes {
                attribute.write(typed, w);
            }
            w.end();
        }
        w.end();
    }
}
