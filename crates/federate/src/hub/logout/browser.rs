//! What a browser does for a logout, and the page that tells how far it is.

use super::super::Hub;
use crate::error::FederateError;
use crate::store::{Store, encode};
use crate::token::Token;
use crate::transport::Outgoing;
use federate_logout::{
    Effect, Event, HubOutcome, Initiator, Logout, LogoutRequestToSend, Outcome, PeerResult, Stage,
};
use federate_saml::MAX_REQUEST_AGE;
use federate_session::{LogoutKey, StoreError};
use federate_types::EntityId;

/// A logout as its page shows it.
#[derive(Debug)]
pub struct LogoutPage {
    /// What became of the hub's own session.
    pub hub: HubOutcome,
    /// The application or the identity provider that asked, if one did.
    pub initiator: Option<String>,
    /// What became of each application but the one that asked.
    pub applications: Vec<NamedOutcome>,
    /// What became of each session upstream but that of the one that asked.
    pub upstreams: Vec<NamedOutcome>,
    /// How many more peers are not asked: more than one logout can hold, or left signed in by an
    /// earlier one.
    pub left_out: usize,
    /// Whether nothing more will be asked and everything was signed out, confirmed by each
    /// application.
    pub complete: bool,
    /// What comes next.
    pub phase: LogoutPhase,
}

/// One application or identity provider of a logout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedOutcome {
    /// Which one.
    pub entity_id: EntityId,
    /// Its name for people.
    pub name: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Whether [`Hub::retry_logout`] would ask it once more.
    pub retriable: bool,
}

/// What a logout waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogoutPhase {
    /// Peers that are asked without the browser: look again soon.
    Working,
    /// A peer is to be asked: take the browser to [`Hub::next_logout`].
    Asking {
        /// Whether its request has left before: it has not answered yet.
        sent: bool,
        /// Whether the person must see this page first: browsers stop after 20 redirects.
        interstitial: bool,
    },
    /// The peers of these numbers are to be asked in frames, each with [`Hub::logout_frame`].
    Frames(Vec<usize>),
    /// The person is to say whether the session upstream is to end, too:
    /// [`Hub::choose_upstream`].
    Choosing,
    /// Whoever asked is to be answered, or the browser is to return: take it to
    /// [`Hub::finish_logout`].
    Answering {
        /// Who waits: an application's name, or the address to return to.
        to: String,
    },
    /// Nothing. Whether everything was signed out, confirmed by each application.
    Done {
        /// Whether it was.
        complete: bool,
    },
}

impl<S: Store> Hub<S> {
    /// The state of a logout, for its page; time that went by counts.
    ///
    /// # Errors
    /// [`FederateError::Logout`] when the handle is unknown or too old, failures of the store.
    pub async fn logout_page(&self, handle: &Token) -> Result<LogoutPage, FederateError> {
        let key = self.logout_key(handle);
        self.advance(&key, Event::DeadlinePassed).await?;
        let mut effects = self.advance(&key, Event::Resumed).await?;
        if let Some(Effect::Answer(answer)) = effects.first()
            && matches!(
                answer.initiator,
                Initiator::HubPage {
                    return_to: None,
                    ..
                }
            )
        {
            // The page is the answer.
            effects = self.advance(&key, Event::Answered).await?;
        }
        let logout = self.journal().load(&key, self.now()).await?;
        let summary = logout.summary();
        let initiator = logout.initiator().requester().map(|r| &r.entity_id);
        Ok(LogoutPage {
            hub: summary.hub,
            initiator: initiator.map(|id| self.peer_name(id)),
            applications: summary
                .applications
                .into_iter()
                .map(|peer| self.named(peer))
                .collect(),
            upstreams: summary
                .upstreams
                .into_iter()
                .map(|peer| self.named(peer))
                .collect(),
            left_out: summary.left_out,
            complete: summary.complete,
            phase: self.phase(&logout, &effects, summary.complete),
        })
    }

    fn phase(&self, logout: &Logout, effects: &[Effect], complete: bool) -> LogoutPhase {
        match effects.first() {
            Some(Effect::SendLogoutRequest(request)) => LogoutPhase::Asking {
                sent: was_sent(logout, request),
                interstitial: request.interstitial,
            },
            Some(Effect::ShowFrames(requests)) => {
                LogoutPhase::Frames(requests.iter().map(|request| request.position).collect())
            }
            Some(Effect::AskUpstream { .. }) => LogoutPhase::Choosing,
            Some(Effect::Answer(answer)) => LogoutPhase::Answering {
                to: match &answer.initiator {
                    Initiator::HubPage {
                        return_to: Some(address),
                        ..
                    } => address.clone(),
                    other => other
                        .requester()
                        .map_or_else(String::new, |r| self.peer_name(&r.entity_id)),
                },
            },
            // Somebody may have had a peer asked again: what comes of it is shown, too.
            _ if logout.stage() == Stage::Done && all_settled(logout) => {
                LogoutPhase::Done { complete }
            }
            _ => LogoutPhase::Working,
        }
    }

    /// The LogoutRequest that takes the browser to the peer whose turn it is; `None` when
    /// nobody is to be asked that way: go to the page.
    ///
    /// # Errors
    /// As [`Hub::logout_page`], failures of the key.
    pub async fn next_logout(&self, handle: &Token) -> Result<Option<Outgoing>, FederateError> {
        let key = self.logout_key(handle);
        for effect in self.advance(&key, Event::Resumed).await? {
            if let Effect::SendLogoutRequest(to_send) = effect {
                return self.send(handle, &key, to_send).await;
            }
        }
        Ok(None)
    }

    /// The LogoutRequest for the frame of this number of [`LogoutPhase::Frames`]; `None` when
    /// it has been answered, or nobody is asked that way.
    ///
    /// # Errors
    /// As [`Hub::next_logout`].
    pub async fn logout_frame(
        &self,
        handle: &Token,
        number: usize,
    ) -> Result<Option<Outgoing>, FederateError> {
        let key = self.logout_key(handle);
        for effect in self.advance(&key, Event::Resumed).await? {
            if let Effect::ShowFrames(requests) = effect {
                // A peer keeps its number when others have answered.
                let mut requests = requests.into_iter();
                return match requests.find(|request| request.position == number) {
                    Some(to_send) => self.send(handle, &key, to_send).await,
                    None => Ok(None),
                };
            }
        }
        Ok(None)
    }

    /// Stops waiting for the peer whose turn it is, or for all of those in frames.
    ///
    /// # Errors
    /// As [`Hub::logout_page`].
    pub async fn skip_logout(&self, handle: &Token) -> Result<(), FederateError> {
        let key = self.logout_key(handle);
        for effect in self.advance(&key, Event::Resumed).await? {
            let skipped = match effect {
                Effect::SendLogoutRequest(request) => vec![request],
                Effect::ShowFrames(requests) => requests,
                _ => Vec::new(),
            };
            for LogoutRequestToSend { request_id, .. } in skipped {
                self.advance(&key, Event::Skipped { request_id }).await?;
            }
        }
        Ok(())
    }

    /// Asks a peer once more that failed or did not answer.
    ///
    /// # Errors
    /// As [`Hub::logout_page`].
    pub async fn retry_logout(&self, handle: &Token, peer: EntityId) -> Result<(), FederateError> {
        let event = Event::Retry { entity_id: peer };
        self.advance(&self.logout_key(handle), event).await?;
        Ok(())
    }

    /// Says whether the session upstream is to end, too.
    ///
    /// # Errors
    /// As [`Hub::logout_page`].
    pub async fn choose_upstream(&self, handle: &Token, ask: bool) -> Result<(), FederateError> {
        let event = Event::UpstreamChosen { ask };
        self.advance(&self.logout_key(handle), event).await?;
        Ok(())
    }

    /// What takes the browser back: the answer to whoever asked, or the address to return to;
    /// `None` when it has been given, nobody waits, or who asked takes no answers any more: go to
    /// the page.
    ///
    /// # Errors
    /// As [`Hub::logout_page`], failures of the key.
    pub async fn finish_logout(&self, handle: &Token) -> Result<Option<Outgoing>, FederateError> {
        let key = self.logout_key(handle);
        for effect in self.advance(&key, Event::Resumed).await? {
            if let Effect::Answer(answer) = effect {
                let outgoing = match self.answer(&answer) {
                    // Its metadata has changed, or never said where: the page is all there is.
                    Err(error @ (FederateError::Denied(_) | FederateError::Metadata(_))) => {
                        let code = error.code();
                        tracing::warn!(code, "a logout could not be answered: {error}");
                        None
                    }
                    other => other?,
                };
                self.advance(&key, Event::Answered).await?;
                return Ok(outgoing);
            }
        }
        Ok(None)
    }

    /// Makes the request that a browser takes to a peer, and remembers to which logout it
    /// belongs.
    async fn send(
        &self,
        handle: &Token,
        key: &LogoutKey,
        to_send: LogoutRequestToSend,
    ) -> Result<Option<Outgoing>, FederateError> {
        let now = self.now();
        let request_id = to_send.request_id.clone();
        let peer = to_send.entity_id.clone();
        let outgoing = match self.request(to_send) {
            Ok((_, outgoing)) => outgoing,
            Err(error) => {
                // The logout goes on without this peer; its page says that it failed.
                let (code, peer) = (error.code(), peer.as_str());
                tracing::warn!(code, peer, "a LogoutRequest could not be made: {error}");
                let reason = federate_logout::SendFailure::NotSent;
                let event = Event::SendFailed { request_id, reason };
                self.advance(key, event).await?;
                return Ok(None);
            }
        };
        let sent = self.sent_key(&peer, &request_id);
        let expires = now + MAX_REQUEST_AGE;
        let value = encode(&handle.expose())?;
        let created = self.store.create_logout(&sent, value, expires, None, now);
        match created.await {
            // Sent once more after a reload: the answer finds the same logout.
            Ok(_) | Err(StoreError::AlreadyExists { .. }) => {}
            Err(other) => return Err(other.into()),
        }
        self.advance(key, Event::Sent { request_id }).await?;
        Ok(Some(outgoing))
    }

    fn named(&self, peer: PeerResult) -> NamedOutcome {
        NamedOutcome {
            name: self.peer_name(&peer.entity_id),
            entity_id: peer.entity_id,
            outcome: peer.outcome,
            retriable: peer.retriable,
        }
    }

    /// The name for people of an application or an identity provider.
    fn peer_name(&self, entity_id: &EntityId) -> String {
        if let Ok(application) = self.idp.application(Some(entity_id)) {
            return application.name.clone();
        }
        let choices = self.upstream_choices().into_iter();
        let mut known = choices.filter(|choice| choice.entity_id == *entity_id);
        let name = known.next().map(|choice| choice.name);
        name.unwrap_or_else(|| entity_id.to_string())
    }
}

/// Whether nobody is being asked just now.
fn all_settled(logout: &Logout) -> bool {
    let summary = logout.summary();
    let mut peers = summary.applications.iter().chain(&summary.upstreams);
    peers.all(|peer| peer.outcome.is_settled())
}

/// Whether the request is known to have left before.
fn was_sent(logout: &Logout, request: &LogoutRequestToSend) -> bool {
    let summary = logout.summary();
    let mut peers = summary.applications.iter().chain(&summary.upstreams);
    peers.any(|peer| {
        peer.entity_id == request.entity_id && peer.outcome == Outcome::Asking { sent: true }
    })
}
