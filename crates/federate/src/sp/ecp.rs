//! Signing in with an enhanced client: a program that talks to the identity provider itself
//! (`[SAMLProf] 4.2`).

use super::{CompletedLogin, LoginOptions, ServiceProvider};
use crate::error::{Denial, FederateError};
use crate::store::Store;
use crate::token::Token;
use federate_saml::ecp::{PaosResponse, RequestHeaders, request_envelope};
use federate_saml::{MessageHints, signed_xml, verify_response};
use federate_types::{Binding, EntityId, RelayState};

impl<S: Store> ServiceProvider<S> {
    /// What an enhanced client is given that wants something for which it has to sign in:
    /// answer its request with this envelope, as [`CONTENT_TYPE`](federate_saml::ecp::CONTENT_TYPE)
    /// (`[SAMLProf] 4.2.3.2`). Whether a client is one,
    /// [`accepts_paos`](federate_saml::ecp::accepts_paos) tells from its headers.
    ///
    /// Without a name of who shall answer, the client chooses among those that are configured;
    /// with a federation, any that is trusted may answer.
    ///
    /// # Errors
    /// As [`start_login`](Self::start_login).
    pub async fn start_ecp_login(&self, options: LoginOptions) -> Result<Vec<u8>, FederateError> {
        let now = self.now();
        let only = options.identity_provider.clone();
        let identity_providers: Vec<EntityId> = match &only {
            Some(only) => vec![self.connection(Some(only))?.entity_id().clone()],
            None if self.federations.is_empty() => {
                self.identity_providers.keys().cloned().collect()
            }
            None => Vec::new(), // a list would be too long, and leave out whom it does not name
        };
        let options = LoginOptions {
            response_binding: Some(Binding::Paos),
            ..options
        };
        let is_passive = options.is_passive;
        // The client keeps it and gives it back, as a browser does with a cookie.
        let client = Token::random(self.party.provider())?;
        let request = self.ask(only.as_ref(), &client, options, now).await?;
        let headers = RequestHeaders {
            response_consumer_url: self.assertion_consumer_service.as_str(),
            message_id: Some(&request.id),
            issuer: &self.party.entity_id,
            provider_name: None,
            is_passive,
            identity_providers: &identity_providers,
            relay_state: Some(&RelayState::new(client.expose())?),
        };
        let signed = signed_xml(&request, &self.party.signer)?;
        Ok(request_envelope(&headers, &signed))
    }

    /// Takes what an enhanced client brings from the identity provider, and opens the session
    /// (`[SAMLProf] 4.2.3.7`). `previous` is the session that the client had.
    ///
    /// Take it only from requests whose content type is
    /// [`CONTENT_TYPE`](federate_saml::ecp::CONTENT_TYPE): no page of another site can make a
    /// browser send that.
    ///
    /// # Errors
    /// As [`receive_login`](Self::receive_login); [`Denial::OtherBrowser`] when it is another
    /// client than the one that began.
    pub async fn receive_ecp_login(
        &self,
        envelope: &[u8],
        previous: Option<&Token>,
    ) -> Result<CompletedLogin, FederateError> {
        let message = PaosResponse::parse(envelope, &self.party.limits)?;
        let response = message.response();
        let asked = response.in_response_to_hint();
        let pending = self.pending(asked.as_ref(), self.now()).await?;
        let began = pending.ok_or(Denial::Unsolicited)?.browser;
        // Before anything is used up: another client must not spoil this one's login.
        let client = message.relay_state().and_then(|s| Token::parse(s.as_str()));
        if client.map(|client| self.browser_hash(&client)) != Some(began) {
            return Err(Denial::OtherBrowser.into());
        }
        let accepted = self.accept(response, |keys, context, decryption| {
            verify_response(response, keys, context, decryption)
        });
        let parked = accepted.await?;
        let profile = parked.login.attributes.clone();
        let completed = self.open(parked, profile, previous, self.now()).await?;
        self.end_other(completed).await
    }
}
