use chrono::{DateTime, TimeDelta, Utc};
use federate_types::EntityId;
use std::collections::HashMap;

/// Which peers are not worth an attempt just now, across logouts.
///
/// A peer's circuit is closed at first: it may be asked. After `threshold` failures in a row
/// it is open: nothing is sent for a while. Then it is half open: one attempt may go and see.
/// Its success closes the circuit, its failure opens it once more.
///
/// It lies in the memory of one node, and losing it loses nothing but attempts. Whoever
/// carries out [`crate::Effect::SendLogoutRequest`] by back channel asks
/// [`CircuitBreaker::may_send`] first, tells [`crate::SendFailure::CircuitOpen`] when it may
/// not, and otherwise what became of the attempt.
#[derive(Debug, Clone)]
pub struct CircuitBreaker {
    threshold: u32,
    cool_down: TimeDelta,
    capacity: usize,
    /// Only peers that failed of late have an entry.
    failing: HashMap<EntityId, Circuit>,
}

#[derive(Debug, Clone, Copy)]
struct Circuit {
    failures: u32,
    /// When it last failed, or was last probed.
    at: DateTime<Utc>,
}

/// What a circuit is at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CircuitState {
    /// The peer may be asked.
    Closed,
    /// It may not.
    Open,
    /// One attempt may see whether it answers again.
    HalfOpen,
}

impl Default for CircuitBreaker {
    /// Five failures, 30 s, 10,000 peers.
    fn default() -> Self {
        Self::new(5, TimeDelta::seconds(30), 10_000)
    }
}

impl CircuitBreaker {
    /// Circuits that open after `threshold` failures in a row (at least 1), for `cool_down`,
    /// and at most `capacity` peers remembered as failing (at least 1).
    #[must_use]
    pub fn new(threshold: u32, cool_down: TimeDelta, capacity: usize) -> Self {
        Self {
            threshold: threshold.max(1),
            cool_down,
            capacity: capacity.max(1),
            failing: HashMap::new(),
        }
    }

    /// What the circuit of a peer is.
    #[must_use]
    pub fn state(&self, peer: &EntityId, now: DateTime<Utc>) -> CircuitState {
        match self.failing.get(peer) {
            Some(circuit) if circuit.failures >= self.threshold => {
                // A clock that went back holds nobody up for longer than the cool-down.
                let waited = now.signed_duration_since(circuit.at);
                if waited >= self.cool_down || waited < TimeDelta::zero() {
                    CircuitState::HalfOpen
                } else {
                    CircuitState::Open
                }
            }
            _ => CircuitState::Closed,
        }
    }

    /// Whether an attempt may leave. Of a half-open circuit one may, and until its outcome is
    /// told, or the cool-down has gone by once more, no other.
    #[must_use]
    pub fn may_send(&mut self, peer: &EntityId, now: DateTime<Utc>) -> bool {
        match self.state(peer, now) {
            CircuitState::Closed => true,
            CircuitState::Open => false,
            CircuitState::HalfOpen => {
                if let Some(circuit) = self.failing.get_mut(peer) {
                    circuit.at = now;
                }
                true
            }
        }
    }

    /// The peer answered, whatever it answered.
    pub fn succeeded(&mut self, peer: &EntityId) {
        self.failing.remove(peer);
    }

    /// The peer did not answer, or not as a peer does.
    pub fn failed(&mut self, peer: &EntityId, now: DateTime<Utc>) {
        if let Some(circuit) = self.failing.get_mut(peer) {
            circuit.failures = circuit.failures.saturating_add(1);
            circuit.at = now;
            return;
        }
        if self.failing.len() >= self.capacity {
            // The one that failed the longest ago makes room; at worst it is tried too soon.
            let oldest = self.failing.iter().min_by_key(|(_, circuit)| circuit.at);
            if let Some(oldest) = oldest.map(|(peer, _)| peer.clone()) {
                self.failing.remove(&oldest);
            }
        }
        let circuit = Circuit {
            failures: 1,
            at: now,
        };
        self.failing.insert(peer.clone(), circuit);
    }

    /// How many peers are remembered as failing.
    #[must_use]
    pub fn failing(&self) -> usize {
        self.failing.len()
    }
}

#[cfg(test)]
mod tests;
