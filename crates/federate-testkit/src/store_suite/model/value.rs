//! What one-time values, logouts and users are to do, said once more.

use chrono::{DateTime, TimeDelta, Utc};
use federate_session::*;
use std::collections::BTreeMap;

type Place = (Namespace, OneTimeKey);

/// Something that expires.
struct Row<T> {
    held: T,
    expires: DateTime<Utc>,
    /// It was asked for after its expiry, and the store may have forgotten it then.
    doubtful: bool,
}

/// The one-time values as they should be.
#[derive(Default)]
pub(super) struct Values(BTreeMap<Place, Row<Vec<u8>>>);

impl Values {
    /// Those that the store may have forgotten and would give at `now` if it has not.
    pub(super) fn doubtful(&self, now: DateTime<Utc>, latest: Option<DateTime<Utc>>) -> Vec<Place> {
        doubtful(&self.0, now, latest)
    }

    pub(super) fn settle(&mut self, place: &Place, is_there: bool) {
        settle(&mut self.0, place, is_there);
    }

    pub(super) fn peek(&self, place: Place, now: DateTime<Utc>) -> Option<Vec<u8>> {
        let row = self.0.get(&place)?;
        (now < row.expires).then(|| row.held.clone())
    }

    pub(super) fn put(
        &mut self,
        entry: OneTimeEntry,
        now: DateTime<Utc>,
    ) -> Result<PutNew, &'static str> {
        if entry.expires <= now {
            return Err("store.already_expired");
        }
        let place = (entry.namespace, entry.key);
        if self.peek(place, now).is_some() {
            return Ok(PutNew::AlreadyPresent);
        }
        let row = Row {
            held: entry.value,
            expires: entry.expires,
            doubtful: false,
        };
        self.0.insert(place, row);
        Ok(PutNew::Inserted)
    }

    pub(super) fn take(&mut self, place: Place, now: DateTime<Utc>) -> Option<Vec<u8>> {
        let value = self.peek(place, now);
        if value.is_some() {
            self.0.remove(&place);
        } else if let Some(row) = self.0.get_mut(&place) {
            row.doubtful = true;
        }
        value
    }

    pub(super) fn redeem(
        &mut self,
        request: Option<Place>,
        replay: OneTimeEntry,
        now: DateTime<Utc>,
    ) -> Result<Redemption, &'static str> {
        if replay.expires <= now {
            return Err("store.already_expired");
        }
        if self.peek((replay.namespace, replay.key), now).is_some() {
            return Ok(Redemption::Replayed);
        }
        let value = match request {
            None => None,
            Some(place) => match self.peek(place, now) {
                None => return Ok(Redemption::UnknownRequest),
                value => value,
            },
        };
        if let Some(place) = request {
            self.0.remove(&place);
        }
        let _inserted = self.put(replay, now)?;
        Ok(Redemption::Redeemed { request: value })
    }

    /// The fewest and the most that a sweep removes.
    pub(super) fn sweep(&mut self, now: DateTime<Utc>) -> (usize, usize) {
        sweep(&mut self.0, now)
    }
}

fn doubtful<K: Copy + Ord, T>(
    rows: &BTreeMap<K, Row<T>>,
    now: DateTime<Utc>,
    latest: Option<DateTime<Utc>>,
) -> Vec<K> {
    let past = |at| latest.is_some_and(|latest| at <= latest);
    let rows = rows.iter();
    rows.filter(|(_, row)| now < row.expires && (row.doubtful || past(row.expires)))
        .map(|(key, _)| *key)
        .collect()
}

fn settle<K: Ord, T>(rows: &mut BTreeMap<K, Row<T>>, key: &K, is_there: bool) {
    if !is_there {
        rows.remove(key);
    }
}

fn sweep<K: Ord, T>(rows: &mut BTreeMap<K, Row<T>>, now: DateTime<Utc>) -> (usize, usize) {
    let due = rows.values().filter(|row| row.expires <= now);
    let (sure, all) = due.fold((0, 0), |(sure, all), row| {
        (sure + usize::from(!row.doubtful), all + 1)
    });
    rows.retain(|_, row| now < row.expires);
    (sure, all)
}

/// The running logouts as they should be.
#[derive(Default)]
pub(super) struct Logouts(BTreeMap<LogoutKey, Row<Versioned>>);

impl Logouts {
    pub(super) fn doubtful(
        &self,
        now: DateTime<Utc>,
        latest: Option<DateTime<Utc>>,
    ) -> Vec<LogoutKey> {
        doubtful(&self.0, now, latest)
    }

    pub(super) fn settle(&mut self, key: &LogoutKey, is_there: bool) {
        settle(&mut self.0, key, is_there);
    }

    pub(super) fn load(&self, key: &LogoutKey, now: DateTime<Utc>) -> Option<Versioned> {
        let row = self.0.get(key)?;
        (now < row.expires).then(|| row.held.clone())
    }

    /// The version to name for the write `ahead` of the next.
    pub(super) fn version(&self, key: &LogoutKey, ahead: i8) -> u64 {
        let version = self.0.get(key).map_or(1, |row| row.held.version);
        version.saturating_add_signed(ahead.into())
    }

    pub(super) fn create(
        &mut self,
        key: LogoutKey,
        state: Versioned,
        now: DateTime<Utc>,
        answer: &Result<u64, &'static str>,
    ) -> Result<(), String> {
        let (expired, there) = (state.expires <= now, self.0.get(&key));
        match answer {
            Err("store.already_expired") if expired => return Ok(()),
            // One that has expired may still be in the way.
            Err("store.already_exists") if there.is_some() => return Ok(()),
            Ok(1) if !expired && there.is_none_or(|row| row.expires <= now) => {}
            _ => return Err(format!("got {answer:?}")),
        }
        let row = Row {
            expires: state.expires,
            held: state,
            doubtful: false,
        };
        self.0.insert(key, row);
        Ok(())
    }

    pub(super) fn swap(
        &mut self,
        key: &LogoutKey,
        version: u64,
        value: Vec<u8>,
        due: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<u64, &'static str> {
        match self.0.get_mut(key) {
            Some(row) if row.held.version == version && now < row.expires => {
                row.held.version += 1;
                row.held.value = value;
                row.held.due = due;
                row.doubtful = false; // it was there
                Ok(version + 1)
            }
            _ => Err("store.conflict"),
        }
    }

    /// Judges what a claim gave. Whoever is due first must be given first; how those that have
    /// expired count towards the limit is the store's affair.
    pub(super) fn claim(
        &mut self,
        scope: LogoutScope,
        now: DateTime<Utc>,
        lease: TimeDelta,
        limit: usize,
        given: &[Claimed],
    ) -> Result<(), String> {
        let mut rest: Vec<_> = self.0.iter_mut().collect();
        rest.retain(|(key, row)| {
            key.is_within(scope) && row.held.due.is_some_and(|due| due <= now)
        });
        let expired = rest.iter().filter(|(_, row)| row.expires <= now).count();
        for (_, row) in rest.iter_mut().filter(|(_, row)| row.expires <= now) {
            row.doubtful = true;
        }
        rest.retain(|(_, row)| now < row.expires);
        rest.sort_by_key(|(_, row)| row.held.due);
        let sure = rest.iter().filter(|(_, row)| !row.doubtful).count();
        if given.len() > limit || given.len() + expired < limit.min(sure) {
            return Err(format!(
                "{} of {sure} given, {expired} expired",
                given.len()
            ));
        }
        let mut former = None;
        for claimed in given {
            let place = rest.iter().position(|(key, _)| **key == claimed.key);
            let place = place.ok_or_else(|| format!("{:?} is not due", claimed.key))?;
            let (_, row) = rest.remove(place);
            if row.held.due < former {
                return Err(format!("{:?} was due before another", claimed.key));
            }
            former = row.held.due;
            row.held.due = Some(now + lease);
            if row.held != claimed.state {
                return Err(format!("expected {:?}, got {:?}", row.held, claimed.state));
            }
        }
        let passed = |row: &Row<Versioned>| !row.doubtful && row.held.due < former;
        match rest.iter().find(|(_, row)| passed(row)) {
            Some((key, _)) => Err(format!("{key:?} is due longer than one that was given")),
            None => Ok(()),
        }
    }

    pub(super) fn sweep(&mut self, now: DateTime<Utc>) -> (usize, usize) {
        sweep(&mut self.0, now)
    }
}

/// The users as they should be.
#[derive(Default)]
pub(super) struct Users(BTreeMap<Subject, User>);

impl Users {
    pub(super) fn find_or_create(
        &mut self,
        subject: Subject,
        id: UserId,
        profile: Profile,
        now: DateTime<Utc>,
    ) -> Result<FoundOrCreated, &'static str> {
        if let Some(user) = self.0.get_mut(&subject) {
            user.profile = profile;
            if user.last_login < now {
                user.last_login = now;
            }
            return Ok(FoundOrCreated::Found(user.clone()));
        }
        if self.load(&subject.tenant, &id).is_some() {
            return Err("store.already_exists");
        }
        let user = User {
            id,
            subject: subject.clone(),
            profile,
            created: now,
            last_login: now,
        };
        self.0.insert(subject, user.clone());
        Ok(FoundOrCreated::Created(user))
    }

    pub(super) fn load(&self, tenant: &TenantId, id: &UserId) -> Option<User> {
        let mut users = self.0.values();
        users
            .find(|user| user.subject.tenant == *tenant && user.id == *id)
            .cloned()
    }

    pub(super) fn by_subject(&self, subject: &Subject) -> Option<User> {
        self.0.get(subject).cloned()
    }
}
