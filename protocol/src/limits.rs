//! Every bound of the core, in one place, with what happens at the bound. A number says where it comes from, or "guess".

use crate::time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS};

/// Largest text of one message in UTF-8 bytes; the composer refuses more (the product's promise).
pub const TEXT_BYTES_MAX: usize = 16 * 1024;
/// Largest certificate in DER; a larger one is refused unread (PROTOCOL.md#certificates).
pub const CERTIFICATE_BYTES_MAX: usize = 2_048;
/// Largest body the relay forwards; a larger one is refused (PROTOCOL.md#relay).
pub const FORWARD_BYTES_MAX: usize = 4_096;
/// Largest sealed offer in bytes: fits one ring message later (PROTOCOL.md#signalling).
pub const OFFER_BYTES_MAX: usize = 2_600;
/// Largest sealed answer in bytes.
pub const ANSWER_BYTES_MAX: usize = 2_200;
/// Candidates taken from the other end for one link; further ones are dropped. Browsers make under ten; the rest is slack.
pub const CANDIDATES_MAX: usize = 24;

/// Time for a whole handshake, from the offer to M4; after it the link is closed.
pub const HANDSHAKE_MS: u64 = 10 * SECOND_MS;
/// Handshakes under way at once as responder; further offers are dropped (the dialler retries).
pub const HANDSHAKES_MAX: usize = 8;
/// Private-key operations a second spent on unsolicited offers, all senders together.
pub const UNSOLICITED_OPS_PER_SECOND: u32 = 50;
/// Of those, how many are kept for devices that this one has met before: a flood of strangers does not keep friends out. Guess.
pub const FAMILIAR_OPS_PER_SECOND: u32 = 10;
/// Devices remembered as met before, in this run; at the bound no more are. As many as contacts.
pub const FAMILIARS_MAX: usize = CONTACTS_MAX;
/// Unsolicited offers taken from one sender in ten seconds; further ones are dropped.
pub const OFFERS_PER_SENDER: u32 = 8;
/// Seconds that sealed signalling stays valid.
pub const SIGNAL_VALID_S: u32 = 60;
/// How long dial ids are remembered against replay.
pub const DIAL_ID_MEMORY_MS: u64 = 120 * SECOND_MS;
/// Dial ids remembered at most; at the bound new unsolicited offers are dropped.
pub const DIAL_IDS_MAX: usize = 8_192;

/// Largest record on a channel, header and tag included: safe between all browsers.
pub const RECORD_BYTES_MAX: usize = 16 * 1024;
/// Largest message reassembled from fragments; a longer one closes the session.
pub const MESSAGE_BYTES_MAX: usize = 72 * 1024;
/// Records of one epoch before new keys are made.
pub const REKEY_RECORDS: u64 = 1 << 20;
/// Bytes of one epoch before new keys are made.
pub const REKEY_BYTES: u64 = 64 * 1024 * 1024;
/// Age of an epoch, when used, before new keys are made.
pub const REKEY_AGE_MS: u64 = 10 * MINUTE_MS;

/// Links (peer connections) open at once for chats; the one idle longest is closed for a new one.
pub const CHAT_LINKS_MAX: usize = 8;
/// Peer connections of one page from which on it draws no more long links. Chromium allows 500, counted until they are collected.
pub const CONNECTIONS_SPARING: u32 = 400;
/// First wait before dialling again; doubles to the next with up to a half of jitter. Guess.
pub const REDIAL_MIN_MS: u64 = SECOND_MS;
/// A session of this age was worth having even where nothing was said: after its end the other is sought at once. Guess.
pub const SESSION_SETTLED_MS: u64 = 10 * SECOND_MS;
/// Longest wait before dialling again. Guess.
pub const REDIAL_MAX_MS: u64 = 30 * SECOND_MS;
/// How long after the last message, or the last look at the conversation, a session counts as one of a conversation.
pub const TALK_MS: u64 = 2 * MINUTE_MS;
/// Silence on a session without a conversation after which it is probed. Twice what the ring lets pass.
pub const PROBE_QUIET_MS: u64 = 60 * SECOND_MS;
/// Silence on the session of a conversation after which it is probed.
pub const PROBE_IDLE_MS: u64 = 10 * SECOND_MS;
/// Unacknowledged sending after which a session is probed.
pub const PROBE_UNACKED_MS: u64 = 2 * SECOND_MS;
/// Wait for the answer to a probe; then the link counts as dead.
pub const PROBE_WAIT_MS: u64 = 5 * SECOND_MS;
/// First wait before connecting to the relay again; doubles with jitter.
pub const RELAY_RETRY_MIN_MS: u64 = 500;
/// Longest wait before connecting to the relay again.
pub const RELAY_RETRY_MAX_MS: u64 = 30 * SECOND_MS;
/// The same for a node without a link: it has no other way to anybody, and a person waits. Guess.
pub const RELAY_RETRY_ALONE_MS: u64 = 5 * SECOND_MS;
/// Wait for the answer to a lookup; then it is asked again with backoff.
pub const LOOKUP_WAIT_MS: u64 = 5 * SECOND_MS;
/// Silence of the relay after which it is pinged; as long again without an answer and the connection is closed.
pub const RELAY_PING_MS: u64 = 20 * SECOND_MS;
/// How long a watch on a name is kept by the relay; asked again before.
pub const WATCH_MS: u64 = HOUR_MS;

/// Overlay links a node aims at, in and out together (shared figure of the design).
pub const RING_LINKS: usize = 24;
/// The same on a phone (shared figure of the design: 12 to 16).
pub const RING_LINKS_HANDHELD: usize = 16;
/// Overlay links at which one more that this node did not ask for is refused with `Full`.
pub const RING_LINKS_MAX: usize = 32;
/// Links told to neighbours at most, those for chats included.
pub const RING_LINKS_TOLD_MAX: usize = 40;
/// Peers that the relay is asked for by a node without links. Where 15 % of pairs cannot connect and 3 % of dials fail, three leave one newcomer in
/// twelve with a single link or none at first, four one in 50.
pub const RING_INTRODUCED: u8 = 4;
/// Ring neighbours that a node keeps links to, on each side.
pub const RING_SIDE_LINKS: usize = 3;
/// Successors, and predecessors, that a node knows at most; in rings of up to this many and one, everybody links to everybody.
pub const NEAR_KNOWN: usize = 16;
/// Successors, and predecessors, told to neighbours: fits one record of 256 bytes, and with the teller itself makes `NEAR_KNOWN`.
pub const NEAR_MAX: usize = 15;
/// Nodes that hold what belongs to a key: the first ones clockwise of it. Not to be confused with the successors a node knows.
pub const HOLDERS: usize = 5;
/// Largest body of a ring message: a sealed offer, or a user record with room to spare.
pub const RING_BODY_BYTES_MAX: usize = 4_096;
/// Suspects that a request carries; the oldest is forgotten.
pub const RING_SUSPECTS_MAX: usize = 16;
/// Nodes that a request asks to avoid, because they were on its ways before; at the bound no more are taken. Seven ways of up to six
/// nodes, and with 48 the request still fits a record of 256 bytes.
pub const RING_AVOID_MAX: usize = 48;
/// Nodes of one way that its originator believes to be told; more are not taken: whoever drops a request may name anybody. Paths in
/// rings of 10,000 are no longer.
pub const RING_NAMED_MAX: usize = 6;
/// Hops of one request; at the end of them it is stuck.
pub const RING_TTL: u8 = 32;
/// Requests of others, and our own, remembered at once; at the bound the oldest is forgotten.
pub const RING_PATHS_MAX: usize = 1_024;
/// Of those, how many one link may cause; at the bound its next is not taken.
pub const RING_PATHS_PER_LINK: usize = 256;
/// How long a path is kept for what still comes along it: as long as a handshake, and the answer's way.
pub const RING_PATH_MS: u64 = 15 * SECOND_MS;
/// Next hops tried for one request at one node.
pub const RING_TRIES: usize = 16;
/// Least and most wait for a hop's acknowledgement; in between four times the deviation above the round trip (RFC 6298).
pub const RING_HOP_MIN_MS: u64 = 150;
/// See [`RING_HOP_MIN_MS`]. Also the wait on a link without a measured round trip.
pub const RING_HOP_MAX_MS: u64 = 1_500;
/// An answer that takes longer is late: the next hop is asked for a sign of life. Guess: thrice what most take.
pub const RING_LATE_MS: u64 = 600;
/// The originator's own deadline for one try; then another way is tried.
pub const RING_TRY_MS: u64 = 4 * SECOND_MS;
/// How long a node that did not answer in time is passed over, unless it is heard.
pub const RING_SUSPECT_MS: u64 = 20 * SECOND_MS;
/// Silence on a ring link after which it is pinged by the end with the lower position. Guess: WebRTC notices most deaths by itself.
pub const RING_PING_MS: u64 = 30 * SECOND_MS;
/// The same on a long link: nothing rests on it, and a request that is not acknowledged makes the other end suspect at once. Guess.
pub const RING_PING_LONG_MS: u64 = 120 * SECOND_MS;
/// Longest delay of telling what changed about one's links: changes in between go together.
pub const RING_TELL_LINKS_MS: u64 = 2 * SECOND_MS;
/// The same for one's successors and predecessors: they matter more.
pub const RING_TELL_NEAR_MS: u64 = 200;
/// Age at which a long link that nobody uses is drawn anew. Guess.
pub const RING_REDRAW_MS: u64 = 60 * MINUTE_MS;
/// How long a pair that could not connect is routed around before it is tried again.
pub const RING_UNCONNECTABLE_MS: u64 = 10 * MINUTE_MS;

/// Largest revocation list passed on from peer to peer: 2,000 entries, and it fits one message. Larger ones come from the authority alone.
pub const GOSSIP_BYTES_MAX: usize = 64 * 1024;
/// How long a presence lasts (PROTOCOL.md#records-and-presence).
pub const PRESENCE_MS: u64 = 10 * MINUTE_MS;
/// How often it is said anew.
pub const PRESENCE_AGAIN_MS: u64 = 4 * MINUTE_MS;
/// How far the clocks of who signs and who reads a presence may be apart.
pub const PRESENCE_SKEW_MS: u64 = 2 * MINUTE_MS;
/// Age at which a prekey is replaced in the record (PROTOCOL.md#records-and-presence).
pub const PREKEY_FRESH_MS: u64 = 14 * DAY_MS;
/// Age at which the private half of a prekey is erased (PROTOCOL.md#records-and-presence).
pub const PREKEY_KEPT_MS: u64 = 45 * DAY_MS;
/// Age up to which a prekey is sealed to: what is sealed then lies until its private half is erased, and no longer.
pub const PREKEY_SEALED_TO_MS: u64 = PREKEY_KEPT_MS - ENVELOPE_MS;
/// Private halves kept; for one more the one furthest from now is erased. A clock that goes evenly needs four.
pub const PREKEYS_MAX: usize = 6;
/// Time between two looks at the prekeys: how late one may be replaced or erased.
pub const PREKEY_LOOK_MS: u64 = HOUR_MS;
/// Longest that an envelope lies, from when its message was written (PROTOCOL.md#envelope).
pub const ENVELOPE_MS: u64 = 30 * DAY_MS;
/// How long after its expiry an envelope is still opened, and its message remembered as seen: clocks differ (PROTOCOL.md#envelope).
pub const ENVELOPE_SEEN_MS: u64 = DAY_MS;
/// Messages that one tombstone acknowledges; what is over goes into another. As many envelopes as holders keep for a pair.
pub const TOMBSTONE_ENTRIES_MAX: usize = 256;
/// How far a clock may be behind that of whoever dated what it reads: a message, a prekey (PROTOCOL.md#records).
pub const CLOCK_SKEW_MS: u64 = 10 * MINUTE_MS;
/// Earlier certificates of this device whose envelopes are still opened; for one more the one that ended first goes. Guess: more than are
/// renewed while an envelope lies.
pub const EARLIER_CERTIFICATES_MAX: usize = 16;
/// Links kept for mail that the ring has no use for; the one idle longest is closed for a new one.
pub const MAIL_LINKS_MAX: usize = 8;
/// How long such a link is kept after the last that was said over it about mail.
pub const MAIL_IDLE_MS: u64 = 60 * SECOND_MS;
/// Copies of an envelope that are wanted. Who holds them are the first ones clockwise of the mailbox's key with room (PROTOCOL.md#deposits).
pub const COPIES: usize = 5;
/// Copies from which on a message counts as held: the sender may go.
pub const QUORUM: usize = 3;
/// Furthest of those clockwise of a mailbox's key that keeps mail for it: past full ones a depositor goes so far.
pub const ARC: usize = 16;
/// What a device lends to the mail of others, unless its person says otherwise.
pub const LENT_BYTES: u64 = 256 * 1024 * 1024;
/// Envelopes of one depositor for one receiver that a holder takes; the rest waits at its author's.
pub const PAIR_ENVELOPES_MAX: usize = 256;
/// The same in bytes.
pub const PAIR_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Envelopes for one receiver that a holder takes; tombstones are counted apart, as many.
pub const RECEIVER_ENVELOPES_MAX: usize = 2_048;
/// The same in bytes.
pub const RECEIVER_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Envelopes of one depositor that a holder takes, for all receivers together.
pub const DEPOSITOR_ENVELOPES_MAX: usize = 1_024;
/// The same in bytes.
pub const DEPOSITOR_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Items in one offer, and verdicts in one answer.
pub const OFFER_MAX: usize = 256;
/// Envelopes in one list of what there is to collect.
pub const LIST_MAX: usize = 512;
/// Envelopes asked for in one message, and at most under way from one holder.
pub const FETCH_MAX: usize = 64;
/// Longest that one envelope may take, asked of one holder who sends others meanwhile: 64 of the largest over a line of 70 KB a second.
pub const FETCH_MS: u64 = MINUTE_MS;
/// First wait before all are asked once more for mail that could not be had, or not be taken; doubles. Guess.
pub const COLLECT_AGAIN_MIN_MS: u64 = MINUTE_MS;
/// Longest of these waits. Guess: what cannot be taken costs a private-key operation each time.
pub const COLLECT_AGAIN_MAX_MS: u64 = HOUR_MS;
/// Envelopes remembered as seen; for one more the one that is over first is forgotten: fetched again, it is known by its number, or no
/// more worth showing than before. Eight times what one holder keeps for a receiver.
pub const SEEN_MAX: usize = 8 * RECEIVER_ENVELOPES_MAX;
/// Items that a holder has said it wants and that have not come; at the bound it says that it is full.
pub const WANTED_MAX: usize = 1_024;
/// Offers of a holder to others that are not answered, each of one mailbox; the rest waits for the next look. Guess: 200 kB.
pub const OFFERS_OUT_MAX: usize = 4_096;
/// Pairs of a node and a mailbox for which it has no room, remembered by a holder; beyond, such a one is offered it again. Guess: 1 MB.
pub const PASSED_MAX: usize = 16_384;
/// Nodes out of reach that a holder passes over; beyond, one more is tried again. Guess: whoever names nodes that are not there fills
/// this, and nothing that counts mailboxes.
pub const OUT_OF_REACH_MAX: usize = 256;
/// Items read from the disk at once for other holders; what is not read is offered again.
pub const GIVES_MAX: usize = 16 * DEPOSITS_UNDER_WAY;
/// Words on what has come, left for one author who is away, that five do not keep yet; one more is not left: holders have the tombstone,
/// too, and the author's next session tells. Guess.
pub const RECEIPTS_PER_AUTHOR_MAX: usize = 64;
/// The same for all authors together.
pub const RECEIPTS_MAX: usize = 1_024;
/// Users of whom it is known to whom mail for them is sealed: more than there can be conversations; for one more those go with whom
/// there is none.
pub const RECIPIENTS_MAX: usize = CONTACTS_MAX + STRANGERS_MAX;
/// How long room is kept for what was said to be wanted.
pub const WANTED_MS: u64 = 30 * SECOND_MS;
/// Items on their way to one holder at once; the rest waits, so that no channel is filled for long.
pub const DEPOSITS_UNDER_WAY: usize = 32;
/// Wait for a holder's word; then it counts as gone and another is asked.
pub const HOLDER_WAIT_MS: u64 = 10 * SECOND_MS;
/// How long a holder that was full, or could not be reached, is passed over.
pub const HOLDER_PASSED_MS: u64 = 5 * MINUTE_MS;
/// How often an author who is there looks whether what is not delivered is still held by five.
pub const DEPOSIT_LOOK_MS: u64 = 30 * MINUTE_MS;
/// Wait before holders are looked for again where too few took it: they may come. Guess.
pub const DEPOSIT_AGAIN_MS: u64 = 15 * SECOND_MS;
/// How long a tombstone is kept: longer than anything that it clears can come back.
pub const TOMBSTONE_MS: u64 = ENVELOPE_MS + ENVELOPE_SEEN_MS;
/// User records kept for others: 10 MB at most. Five of every record over all nodes, so that a hundred times fewer are expected. Guess.
pub const SHELF_RECORDS_MAX: usize = 4_096;
/// Time between two looks at what is to be handed over.
pub const HANDOVER_LOOK_MS: u64 = 20 * SECOND_MS;
/// Records handed over at one look, those that follow wait for the next.
pub const HANDOVERS_MAX: usize = 32;
/// Time between two questions whether a contact who is away has come. Guess.
pub const RING_WATCH_MS: u64 = 20 * SECOND_MS;

/// Contacts kept; adding or meeting one more is refused.
pub const CONTACTS_MAX: usize = 4_096;
/// Strangers (new, not yet accepted) kept; a further stranger's session is closed.
pub const STRANGERS_MAX: usize = 256;
/// Messages a stranger may leave before being accepted; further ones are refused.
pub const STRANGER_MESSAGES_MAX: u32 = 64;
/// Messages waiting for one contact; one more is refused in the composer.
pub const OUTBOX_PER_CONTACT_MAX: usize = 4_096;
/// Messages on the way to one contact without acknowledgement; the rest waits. Measured: with a quarter of it both ends of a burst wait a
/// third of the time for the other's disk (docs/figures.md).
pub const WINDOW_MESSAGES: usize = 1_024;
/// Bytes on the way to one contact without acknowledgement; the rest waits.
pub const WINDOW_BYTES: usize = 512 * 1024;
/// Missing messages remembered a conversation; beyond, the oldest gap is given up.
pub const GAPS_MAX: usize = 1_024;
/// Messages loaded from the store in one page.
pub const HISTORY_PAGE: u32 = 300;
/// Wait before a failed write is tried again.
pub const STORE_RETRY_MS: u64 = SECOND_MS;

/// Bytes of a file sent to somebody who is there at most: 128 pages of hashes, which fit a message.
pub const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;
/// Bytes of a file's name in UTF-8 at most: what file systems take.
pub const FILE_NAME_BYTES_MAX: usize = 255;
/// Bytes of a file's media type at most.
pub const FILE_TYPE_BYTES_MAX: usize = 127;
/// Parts of a file that are fetched ahead: 2 MiB, what a fast link has on its way in a tenth of a second. Guess.
pub const FILE_PARTS_AHEAD: usize = 4;
/// Parts of one user's files that are asked for at once, over all files: 4 MiB on their way. Twice [`FILE_PARTS_AHEAD`].
pub const FILE_FETCHES_MAX: usize = 2 * FILE_PARTS_AHEAD;
/// Parts that one user may ask for and that have not left; for one more the session is closed. Twice what an honest one asks for.
pub const FILE_SERVED_MAX: usize = 2 * FILE_FETCHES_MAX;
/// Pages that one user may ask for and that were not read yet; for one more the session is closed. An honest one asks for one a file.
pub const FILE_PAGES_MAX: usize = FILES_PER_USER_MAX;
/// Files of one user that are offered to this device and not at their end; one more is not taken.
pub const FILES_PER_USER_MAX: usize = 256;
/// The same for all users together: 5 MB of manifests at most.
pub const FILES_MAX: usize = 1_024;
/// Size up to which a contact's file is received without asking, unless the person says otherwise.
pub const FILE_ACCEPTED_BYTES: u64 = 25 * 1024 * 1024;
/// Size up to which one's own copy of a file is kept once its receiver has it: for the picture in the conversation.
pub const FILE_KEPT_BYTES_MAX: u64 = 25 * 1024 * 1024;
/// Least time between two words on how far a file has come.
pub const FILE_VIEW_MS: u64 = 500;
/// Size up to which a file is left with others for somebody who is away.
pub const FILE_AWAY_BYTES_MAX: u64 = 25 * 1024 * 1024;
/// Blobs of one depositor that a holder takes, on all shelves.
pub const BLOBS_PER_DEPOSITOR_MAX: usize = 1_024;
/// The same in bytes: those of a pair.
pub const BLOB_BYTES_PER_DEPOSITOR_MAX: u64 = 32 * 1024 * 1024;
/// Bytes of files that lie with others for one receiver at most; more waits until they are there, or until those are fetched.
pub const PAIR_BLOB_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Blobs on their way to one holder at once, for one shelf: 256 KiB, which a line of 1 Mbit/s takes to five of them within their patience.
pub const BLOBS_UNDER_WAY: usize = 4;
