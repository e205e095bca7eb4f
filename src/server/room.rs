//! Room for connections: how many there may be, how many of them from one address, and which has to go for a new one.
//!
//! One address has at most half of the room. Where it has that, or all of the room is taken, the connection that has waited
//! for longest without a request goes, so that whoever opens many and asks nothing keeps nobody out. Where all are at
//! work, a new one gets a spare place, where it may ask how the service is and nothing else.
//!
//! Not in here: what is done with a connection.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

/// Places beyond the limit, for questions how the service is.
const SPARE: usize = 16;

/// Whoever has this address, for limits: that of version 6 counts by its network, as one machine has all of that.
pub(super) fn client_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address @ IpAddr::V4(_) => address,
    }
}

/// The room.
pub(super) struct Room {
    at_most: usize,
    /// How much of it one client may take.
    share: usize,
    /// Those through which many others come: what they take is not limited.
    proxies: Vec<IpAddr>,
    places: Mutex<Places>,
}

#[derive(Default)]
struct Places {
    /// Counts up: places, and the moments at which they became idle.
    turn: u64,
    held: HashMap<u64, Place>,
    /// How many each client has, without spare ones.
    of: HashMap<IpAddr, usize>,
    /// How many are spare ones.
    spare: usize,
    /// Those that wait for a request, longest first.
    idle: BTreeMap<u64, u64>,
}

struct Place {
    client: IpAddr,
    is_spare: bool,
    idle_since: Option<u64>,
    leave: Arc<Notify>,
}

impl Places {
    fn next(&mut self) -> u64 {
        self.turn += 1;
        self.turn
    }

    fn add(&mut self, client: IpAddr, is_spare: bool) -> (u64, Arc<Notify>) {
        let id = self.next();
        let leave = Arc::new(Notify::new());
        if is_spare {
            self.spare += 1;
        } else {
            *self.of.entry(client).or_default() += 1;
        }
        self.idle.insert(id, id);
        self.held.insert(
            id,
            Place {
                client,
                is_spare,
                idle_since: Some(id),
                leave: Arc::clone(&leave),
            },
        );
        (id, leave)
    }

    fn remove(&mut self, id: u64) -> Option<Place> {
        let place = self.held.remove(&id)?;
        if let Some(since) = place.idle_since {
            self.idle.remove(&since);
        }
        if place.is_spare {
            self.spare -= 1;
        } else if let Some(count) = self.of.get_mut(&place.client) {
            *count -= 1;
            if *count == 0 {
                self.of.remove(&place.client);
            }
        }
        Some(place)
    }

    /// Has the one leave that has waited for longest, of those that `may` go. Whether there was one.
    fn makes_room(&mut self, may: impl Fn(&Place) -> bool) -> bool {
        let longest = self.idle.values().copied();
        let found = longest
            .filter_map(|id| self.held.get_key_value(&id))
            .find(|(_, place)| may(place));
        let found = found.map(|(id, _)| *id);
        let gone = found.and_then(|id| self.remove(id));
        if let Some(place) = &gone {
            place.leave.notify_one();
        }
        gone.is_some()
    }
}

impl Room {
    pub(super) fn new(at_most: usize, proxies: Vec<IpAddr>) -> Arc<Self> {
        Arc::new(Self {
            at_most,
            share: at_most.div_ceil(2),
            proxies,
            places: Mutex::default(),
        })
    }

    /// A place for a connection from this address. `None` where even the spare ones are taken.
    pub(super) fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Seat> {
        let is_proxy = self.proxies.contains(&address.to_canonical());
        let client = client_of(address);
        let mut places = self.places.lock();
        let has = places.of.get(&client).copied().unwrap_or(0);
        let in_all = places.held.len() - places.spare;
        let has_room = if !is_proxy && has >= self.share {
            places.makes_room(|place| !place.is_spare && place.client == client)
        } else {
            in_all < self.at_most || places.makes_room(|place| !place.is_spare)
        };
        let is_spare = !has_room;
        if is_spare && places.spare >= SPARE && !places.makes_room(|place| place.is_spare) {
            return None;
        }
        let (id, leave) = places.add(client, is_spare);
        Some(Seat {
            room: Arc::clone(self),
            id,
            is_spare,
            leave,
            at_work: AtomicBool::new(false),
        })
    }

    /// Whether connections from this address have to go for new ones.
    pub(super) fn is_crowded(&self, address: IpAddr) -> bool {
        let places = self.places.lock();
        let has = places.of.get(&client_of(address)).copied().unwrap_or(0);
        has >= self.share || places.held.len() - places.spare >= self.at_most
    }
}

/// The place of one connection, until it is dropped.
pub(super) struct Seat {
    room: Arc<Room>,
    id: u64,
    /// Whether only questions how the service is are answered here.
    pub(super) is_spare: bool,
    leave: Arc<Notify>,
    at_work: AtomicBool,
}

impl Seat {
    /// A request has come: until what is returned is dropped, the connection does not have to go.
    pub(super) fn works(self: &Arc<Self>) -> AtWork {
        self.at_work.store(true, Ordering::Relaxed);
        let mut places = self.room.places.lock();
        let since = places
            .held
            .get_mut(&self.id)
            .and_then(|place| place.idle_since.take());
        if let Some(since) = since {
            places.idle.remove(&since);
        }
        AtWork(Arc::clone(self))
    }

    pub(super) fn is_at_work(&self) -> bool {
        self.at_work.load(Ordering::Relaxed)
    }

    /// Waits until the connection has to go.
    pub(super) async fn has_to_go(&self) {
        self.leave.notified().await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut places = self.room.places.lock();
        places.remove(self.id);
    }
}

/// A request that is being answered.
pub(super) struct AtWork(Arc<Seat>);

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.at_work.store(false, Ordering::Relaxed);
        let mut places = self.0.room.places.lock();
        let now = places.next();
        let id = self.0.id;
        // One that has to go has no place any more.
        let is_idle = places.held.get_mut(&id).is_some_and(|place| {
            let was_at_work = place.idle_since.is_none();
            place.idle_since.get_or_insert(now);
            was_at_work
        });
        if is_idle {
            places.idle.insert(now, id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn has_to_go(seat: &Seat) -> bool {
        use futures_util::FutureExt as _;
        seat.has_to_go().now_or_never().is_some()
    }

    #[test]
    fn one_address_takes_half_and_its_longest_idle_one_goes() {
        let room = Room::new(4, vec![]);
        let enter = |address| Arc::new(room.enter(ip(address)).unwrap());
        let first = enter("192.0.2.1");
        let second = enter("192.0.2.1");
        let asks = first.works();
        let third = enter("192.0.2.1");
        assert!(has_to_go(&second) && !has_to_go(&first) && !third.is_spare);
        drop(asks);
        // What has just been answered has waited for less long.
        let fourth = enter("192.0.2.1");
        assert!(has_to_go(&third) && !has_to_go(&first));
        let others = [enter("192.0.2.2"), enter("192.0.2.3")];
        assert!(!has_to_go(&first) && !has_to_go(&fourth));
        // All is taken: the longest idle one of all.
        let last = enter("192.0.2.4");
        assert!(has_to_go(&first) && !last.is_spare && !has_to_go(&others[0]));
    }

    #[test]
    fn where_all_are_at_work_a_spare_place_is_left() {
        let room = Room::new(2, vec![ip("10.0.0.1")]);
        let enter = |address| room.enter(ip(address)).map(Arc::new);
        let at_work: Vec<_> = (0..2)
            .map(|_| enter("10.0.0.1").unwrap())
            .map(|seat| (seat.works(), seat))
            .collect();
        assert!(at_work.iter().all(|(_, seat)| !seat.is_spare));
        let spare: Vec<_> = (0..SPARE).map(|_| enter("192.0.2.1").unwrap()).collect();
        assert!(spare.iter().all(|seat| seat.is_spare));
        let working: Vec<_> = spare[1..].iter().map(Seat::works).collect();
        let another = enter("192.0.2.2").unwrap();
        assert!(has_to_go(&spare[0]) && another.is_spare);
        let _works = another.works();
        assert!(enter("192.0.2.3").is_none());
        drop((spare, working, at_work));
        assert!(!enter("192.0.2.3").unwrap().is_spare);
    }

    #[test]
    fn a_network_of_version_6_is_one_client() {
        assert_eq!(client_of(ip("2001:db8::1:2")), client_of(ip("2001:db8::9")));
        assert_ne!(client_of(ip("2001:db8:0:1::1")), client_of(ip("2001:db8::1")));
        assert_eq!(client_of(ip("::ffff:192.0.2.1")), ip("192.0.2.1"));
    }
}
