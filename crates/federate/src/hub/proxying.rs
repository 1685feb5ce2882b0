//! The hub between an application and an identity provider of others: which questions it may
//! pass on, and which answers (`[SAMLCore] 3.4.1.5`).

use super::upstream::UpstreamChoice;
use super::{Hub, PASSWORD};
use crate::error::Denial;
use crate::idp::SignOnDemand;
use crate::sp::Login;
use crate::store::Store;
use federate_saml::Scoping;
use federate_session::{SessionRecord, UpstreamSession};
use federate_types::{EntityId, Provenance, StatusCode};

/// In a sign-in that goes through more identity providers than these, something goes round in
/// circles; and a session has to hold their names.
const MAX_AUTHORITIES: usize = 16;

/// How a person could meet a demand by signing in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignInWays {
    /// At the hub itself, by password.
    pub here: bool,
    /// At these identity providers, and at those of federations that the demand allows.
    pub upstream: Vec<UpstreamChoice>,
}

impl<S: Store> Hub<S> {
    /// How a person can sign in at the hub's own page.
    #[must_use]
    pub fn sign_in_ways(&self) -> SignInWays {
        SignInWays {
            here: self.has_passwords,
            upstream: self.upstream_choices(),
        }
    }

    /// How a person can sign in for a demand, or why nobody could.
    pub(super) fn ways(&self, demand: &SignOnDemand) -> Result<SignInWays, StatusCode> {
        let named = &mut demand.identity_providers.iter();
        if !self.hub_may_answer(demand) && !named.any(|id| self.is_known_upstream(id)) {
            // [SAMLCore] 3.4.1.3: others shall answer.
            return Err(StatusCode::NoSupportedIdp);
        }
        let here = self.is_met_here(demand);
        if self.is_passed_on(demand) {
            let mut upstream = self.upstream_choices();
            upstream.retain(|choice| self.may_answer(demand, &choice.entity_id));
            return Ok(SignInWays { here, upstream });
        }
        match &self.upstream {
            _ if here => Ok(SignInWays {
                here,
                upstream: Vec::new(),
            }),
            // [SAMLCore] 3.2.2.2: only others could, and they may not be asked.
            Some(_) => Err(StatusCode::ProxyCountExceeded),
            // [SAMLCore] 3.3.2.2.1: no sign-in of the classes that were asked for.
            None => Err(StatusCode::NoAuthnContext),
        }
    }

    /// Whether a person who signs in here, by password, would be the answer.
    pub(super) fn is_met_here(&self, demand: &SignOnDemand) -> bool {
        self.has_passwords && self.hub_may_answer(demand) && demand.accepts_authn_context(PASSWORD)
    }

    /// Whether what a session rests on is what the demand allows.
    pub(super) fn session_may_answer(&self, demand: &SignOnDemand, record: &SessionRecord) -> bool {
        let Some(upstream) = &record.upstream else {
            return self.hub_may_answer(demand);
        };
        let authorities = &upstream.provenance.authorities;
        // [SAMLCore] 3.4.1.2: how often the question was passed on, the hub's own time included.
        let times = u32::try_from(authorities.len() + 1).unwrap_or(u32::MAX);
        let asker = demand.application.as_str();
        demand.proxy_count.is_none_or(|allowed| times <= allowed)
            && self.may_answer(demand, &upstream.issuer)
            // Nobody is told his own word.
            && upstream.issuer.as_str() != asker
            && authorities.iter().all(|authority| authority != asker)
    }

    /// The Scoping of the question as it goes on to an identity provider. There is none if the
    /// demand has none: some identity providers refuse requests with one, AD FS among them.
    ///
    /// # Errors
    /// [`Denial::MayNotBePassedOn`].
    pub(super) fn passed_on(
        &self,
        demand: &SignOnDemand,
        identity_provider: &EntityId,
    ) -> Result<Option<Scoping>, Denial> {
        if !self.is_passed_on(demand) || !self.may_answer(demand, identity_provider) {
            return Err(Denial::MayNotBePassedOn);
        }
        let named = !demand.identity_providers.is_empty() || !demand.requesters.is_empty();
        if demand.proxy_count.is_none() && !named {
            return Ok(None);
        }
        // [SAMLCore] 3.4.1.5.1: once less, and of those that were named.
        let mut identity_providers = demand.identity_providers.clone();
        if !identity_providers.contains(identity_provider) {
            identity_providers.clear();
        }
        let mut requesters = demand.requesters.clone();
        requesters.push(demand.application.clone());
        Ok(Some(Scoping {
            proxy_count: demand.proxy_count.map(|count| count.saturating_sub(1)),
            identity_providers,
            requesters,
        }))
    }

    /// Refuses a login that rests on the hub's own word.
    ///
    /// # Errors
    /// [`Denial::OwnWord`].
    pub(super) fn is_not_our_own(&self, login: &Login) -> Result<(), Denial> {
        let authorities = &login.provenance.authorities;
        if authorities.len() > MAX_AUTHORITIES || authorities.iter().any(|id| self.is_us(id)) {
            return Err(Denial::OwnWord);
        }
        Ok(())
    }

    /// What an assertion of the hub for this audience rests on, or why there can be none.
    pub(super) fn provenance(
        &self,
        upstream: Option<&UpstreamSession>,
        audience: &EntityId,
    ) -> Result<Provenance, StatusCode> {
        let Some(upstream) = upstream else {
            return Ok(Provenance::default());
        };
        if upstream.provenance.allows(audience) {
            return Ok(upstream.provenance.passed_on(&upstream.issuer));
        }
        tracing::warn!(
            identity_provider = upstream.issuer.as_str(),
            application = audience.as_str(),
            "the identity provider allows no assertion for the application on the strength of its own"
        );
        Err(StatusCode::RequestDenied)
    }

    /// `[SAMLCore] 3.4.1.2`: whether a demand may be passed on, which has not come through here
    /// before.
    fn is_passed_on(&self, demand: &SignOnDemand) -> bool {
        let here_before = demand.requesters.iter().any(|id| self.is_us(id.as_str()));
        demand.proxy_count != Some(0) && !here_before && self.upstream.is_some()
    }

    /// `[SAMLCore] 3.4.1.3`: whoever names the hub leaves it to the hub whom to ask.
    fn may_answer(&self, demand: &SignOnDemand, identity_provider: &EntityId) -> bool {
        self.hub_may_answer(demand) || demand.accepts_identity_provider(identity_provider)
    }

    fn is_known_upstream(&self, id: &EntityId) -> bool {
        let upstream = self.upstream.as_ref();
        upstream.is_some_and(|sp| sp.connection(Some(id)).is_ok())
    }

    fn hub_may_answer(&self, demand: &SignOnDemand) -> bool {
        demand.accepts_identity_provider(&self.idp.party().entity_id)
    }

    /// Whether this is the name of the hub, in either of its roles.
    fn is_us(&self, id: &str) -> bool {
        let upstream = self.upstream.as_ref().map(|sp| sp.party());
        let mut ours = [Some(self.idp.party()), upstream].into_iter().flatten();
        ours.any(|party| party.entity_id.as_str() == id)
    }
}
