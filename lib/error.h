// Why something was refused, dropped or failed. One enum for library, daemon,
// client and wire; numbers and names are never reused. The name is what status
// counts under, what docs/protocol.md lists and what a person can look up; the
// text is what a person reads (through gettext at the place that prints it).
#ifndef ENLACE_LIB_ERROR_H
#define ENLACE_LIB_ERROR_H

// X (number, SYMBOL, name, text)
#define ERR_TABLE(X)                                                                               \
    X(0, OK, "ok", "done")                                                                         \
    /* 1 to 39: bytes from outside that do not decode */                                           \
    X(1, TRUNCATED, "truncated", "the bytes end too early")                                        \
    X(2, TOO_BIG, "too-big", "larger than what is allowed")                                        \
    X(3, TOO_MANY, "too-many", "more entries than are allowed")                                    \
    X(4, TOO_DEEP, "too-deep", "nested more deeply than is allowed")                               \
    X(5, BAD_UTF8, "bad-utf8", "text that is not UTF-8")                                           \
    X(6, NUL_IN_TEXT, "nul-in-text", "a NUL character inside a text")                              \
    X(7, DUPLICATE_FIELD, "duplicate-field", "a field given twice")                                \
    X(8, BAD_WIRE_TYPE, "bad-wire-type", "a field of the wrong wire type")                         \
    X(9, BAD_VARINT, "bad-varint", "an integer that is overlong or padded")                        \
    X(10, BAD_TAG, "bad-tag", "a field number that cannot be")                                     \
    X(11, OVER_BUDGET, "over-budget", "decoding would take too much memory")                       \
    X(12, NOT_CANONICAL, "not-canonical", "not in its one canonical form")                         \
    X(13, MISSING_FIELD, "missing-field", "a field that must be there is not")                     \
    X(14, BAD_LENGTH, "bad-length", "a value of the wrong length")                                 \
    X(15, BAD_VALUE, "bad-value", "a value outside its range")                                     \
    X(16, UNKNOWN_MESSAGE, "unknown-message", "a message of an unknown type")                      \
    X(17, BAD_FRAMES, "bad-frames", "the wrong number of frames")                                  \
    X(18, BAD_TOPIC, "bad-topic", "a topic that is not its publication's")                         \
    X(19, BAD_ARMOUR, "bad-armour", "the armoured line is damaged or incomplete")                  \
    X(20, UNKNOWN_FIELD, "unknown-field", "a field that is not known")                             \
    X(21, BAD_PARTS, "bad-parts", "a run's parts out of order")                                    \
    X(22, UNEXPECTED, "unexpected", "a message that does not belong here now")                     \
    X(23, BAD_PACKING, "bad-packing", "packed in a way that is not allowed, or damaged")           \
    /* 40 to 79: the log and who may write it */                                                   \
    X(40, BAD_SIGNATURE, "bad-signature", "the signature does not hold")                           \
    X(41, BROKEN_CHAIN, "broken-chain", "does not follow from the change before it")               \
    X(42, BAD_COMMITMENT, "bad-commitment", "the content is not what the author committed to")     \
    X(43, DIVERGED, "diverged", "two different chains under one signature")                        \
    X(44, OUT_OF_ORDER, "out-of-order", "a change number that does not come next")                 \
    X(45, TIME_BACKWARDS, "time-backwards", "the author's time goes backwards within the feed")    \
    X(46, UNKNOWN_CARD, "unknown-card", "needs a card that has not arrived")                       \
    X(47, BEYOND_CUT, "beyond-cut", "beyond the last position that its key reaches")               \
    X(48, UNKNOWN_ORIGIN, "unknown-origin", "an origin that is not in the roster")                 \
    X(49, WRONG_EPOCH, "wrong-epoch", "an epoch that no card has started")                         \
    X(50, WRONG_COALITION, "wrong-coalition", "belongs to another coalition")                      \
    X(51, TOO_NEW, "too-new", "needs a newer version than this one")                               \
    X(52, STALE, "stale", "older than what is already held")                                       \
    X(53, UNSIGNED, "unsigned", "no signature where one must be")                                  \
    X(54, NOT_ALLOWED, "not-allowed", "not allowed to ask for or do this")                         \
    X(55, UNKNOWN_FEED, "unknown-feed", "a feed that is not held here")                            \
    X(56, BELOW_FLOOR, "below-floor", "before the oldest position held here")                      \
    X(57, BUSY, "busy", "too much at once; ask again later")                                       \
    X(58, BAD_ROSTER, "bad-roster", "a roster that does not follow from the one before it")        \
    X(59, BAD_CARD, "bad-card", "a card that contradicts itself or the one before it")             \
    X(60, TOO_FEW_SIGNATURES, "too-few-signatures", "fewer valid signatures than the threshold")   \
    X(61, ROSTER_FORK, "roster-fork", "two valid rosters of the same version")                     \
    X(62, OWN_LATER_COMMIT, "own-later-commit",                                                    \
      "a later change of this node's own exists elsewhere: this node was restored or copied")      \
    X(63, CLAIM_UNMET, "claim-unmet", "a peer said that it holds more than it could deliver")      \
    X(64, FENCED, "fenced", "this node does not write until its operator has decided")             \
    X(65, FORK, "fork", "an origin signed two different changes with one number")                  \
    X(66, RESTORED, "restored",                                                                    \
      "the database is not the one that this node last ran with: restored, copied or rolled back") \
    X(67, OWN_CLAIMED, "own-claimed",                                                              \
      "a peer says that it holds a later change of this node's own: it is being fetched")          \
    X(68, NOT_FENCED, "not-fenced", "this node is not fenced: there is nothing to accept")         \
    X(69, BAD_CUT, "bad-cut", "a cut at a position that is neither held here nor proven")          \
    X(70, CUT_MISSING, "cut-missing", "a lane that has changes is not cut")                        \
    X(71, CONTESTED, "contested",                                                                  \
      "a key that was replaced signed another chain besides: whoever took that one waits for a "   \
      "new epoch")                                                                                 \
    /* 80 to 119: sessions and transport */                                                        \
    X(80, NOT_A_MEMBER, "not-a-member", "a key that no current member's card names")               \
    X(81, WRONG_SESSION, "wrong-session", "left over from an earlier session")                     \
    X(82, NO_HELLO, "no-hello", "a message before the session was opened")                         \
    X(83, SILENT, "silent", "nothing heard for too long")                                          \
    X(84, STALLED, "stalled", "a fetch that made no progress for too long")                        \
    X(85, REPLACED, "replaced", "a newer session with the same peer took its place")               \
    X(86, UNREACHABLE, "unreachable", "no connection could be made")                               \
    X(87, DISCONNECTED, "disconnected", "the connection was lost")                                 \
    X(88, HANDSHAKE_FAILED, "handshake-failed",                                                    \
      "the encrypted handshake failed: wrong key, or not admitted by the other side")              \
    X(89, NO_COMMON_VERSION, "no-common-version", "no protocol version that both sides speak")     \
    X(90, OVER_CREDIT, "over-credit", "the peer sent more than it was allowed to")                 \
    X(91, TOO_MANY_SUBSCRIPTIONS, "too-many-subscriptions", "more subscriptions than are allowed") \
    X(92, REVOKED, "revoked", "the peer's key is no longer a member's")                            \
    X(93, QUEUE_FULL, "queue-full", "the peer does not take what is sent to it")                   \
    X(94, NO_ADDRESS, "no-address", "no member's card names this address")                         \
    X(95, SELF, "self", "a node that connects to itself")                                          \
    X(96, TOO_MANY_LINKS, "too-many-links", "more connections than this node serves")              \
    X(97, STOPPING, "stopping", "the other side is stopping")                                      \
    X(98, NO_BEACON, "no-beacon",                                                                  \
      "nothing newly signed by a member for too long: it is down, or kept from us")                \
    X(99, LACKS_BEACON, "lacks-beacon",                                                            \
      "a pulse whose beacon is not here: it says nothing until that has come")                     \
    /* 120 to 159: disk and the node itself */                                                     \
    X(120, DISK_FULL, "disk-full", "there is no room left on the disk")                            \
    X(121, DISK_ERROR, "disk-error", "the disk could not be read or written")                      \
    X(122, DAMAGED, "damaged", "the stored data is damaged")                                       \
    X(123, LOCKED, "locked", "another daemon runs on this directory")                              \
    X(124, NO_CHARTER, "no-charter", "the node has not accepted a charter yet")                    \
    X(125, BAD_CONFIG, "bad-config", "the configuration cannot be used")                           \
    X(126, NO_DIRECTORY, "no-directory", "not a node's directory")                                 \
    X(127, BAD_KEY_FILE, "bad-key-file", "a key file is missing, damaged or readable by others")   \
    X(128, UNREACHABLE_NODE, "node-unreachable", "the local daemon does not answer")               \
    X(129, OUTCOME_UNKNOWN, "outcome-unknown",                                                     \
      "the daemon or its disk failed during the request: it may or may not have been done")        \
    X(130, CANNOT_LISTEN, "cannot-listen", "the address to listen on cannot be used")              \
    X(131, NEWER_STORE, "newer-store", "the database was written by a newer version")              \
    X(132, EXISTS_ALREADY, "exists-already", "it exists already")                                  \
    X(133, VIEW_DIFFERS, "view-differs", "the view is not the fold of the log")                    \
    X(134, CANNOT_READ, "cannot-read", "a file could not be read")                                 \
    X(135, CANNOT_WRITE, "cannot-write", "a file could not be written")                            \
    X(136, SYNC_FAILED, "sync-failed",                                                             \
      "the disk did not confirm what was written to it: only a new start shows what it holds")     \
    /* 160 to 219: records, as people write them */                                                \
    X(160, BAD_JSON, "bad-json", "not valid JSON")                                                 \
    X(161, DUPLICATE_NAME, "duplicate-name", "a name given twice in one object")                   \
    X(162, UNKNOWN_KIND, "unknown-kind", "a kind of record that is not known")                     \
    X(163, WRONG_TYPE, "wrong-type", "a value of the wrong type")                                  \
    X(164, BAD_ENUM, "bad-enum", "not one of the values that this field can have")                 \
    X(165, BAD_DATE, "bad-date", "not a date: write 2018, 2018-04 or 2018-04-05")                  \
    X(166, BAD_REF, "bad-ref", "not a reference: write @key, @CODE:key or CODE:number")            \
    X(167, UNKNOWN_MEMBER, "unknown-member", "a code that is not in the roster")                   \
    X(168, WRONG_KIND, "wrong-kind", "a reference to a record of a kind that cannot stand here")   \
    X(169, AMBIGUOUS_KEY, "ambiguous-key", "more than one record has this key")                    \
    X(170, NO_SUCH_RECORD, "no-such-record", "no record with this id or key")                      \
    X(171, NOT_OWNER, "not-owner", "a record of somebody else: only its owner changes it")         \
    X(172, STALE_REVISION, "stale-revision", "the record has changed since")                       \
    X(173, KEY_TAKEN, "key-taken", "another record of this node has this key")                     \
    X(174, KEY_FIXED, "key-fixed", "a key is never changed")                                       \
    X(175, RETRACTED, "retracted", "the record is retracted")                                      \
    X(176, BAD_LABEL, "bad-label", "not a TLP label")                                              \
    X(177, EMPTY_RECORD, "empty-record", "a record without any field")                             \
    X(178, BAD_ASSIGNMENT, "bad-assignment", "not FIELD=VALUE")                                    \
    X(179, BAD_MONEY, "bad-money", "not an amount with a currency")                                \
    X(180, NOT_YET_HERE, "not-yet-here", "has not arrived yet")                                    \
    X(181, BAD_NODE_CODE, "bad-code", "not a code: A-Z, digits and -, 2 to 16 characters")         \
    X(182, BAD_LANGUAGE, "bad-language", "not a language code")                                    \
    X(183, NUMBER_RANGE, "number-range", "a number out of range")                                  \
    X(184, BAD_COUNTRY, "bad-country", "not an ISO 3166-1 country code")                           \
    X(185, FINGERPRINT_DIFFERS, "fingerprint-differs", "the words read aloud are not this one's")  \
    X(186, OTHER_CHARTER, "other-charter", "this node already belongs to another coalition")       \
    X(187, NO_SUCH_IMPORT, "no-such-import", "no import of that number is under way")              \
    X(188, KIND_FIXED, "kind-fixed", "a record's kind is never changed")                           \
    /* 190 to 199: why a change of somebody else's is parked */                                    \
    X(190, PARKED_READER, "needs-newer-reader", "written by a newer version than this one")        \
    X(191, PARKED_CONTENT, "bad-content", "its content cannot be read")                            \
    X(192, PARKED_TARGET, "bad-target", "points at a change that creates no record")               \
    X(193, PARKED_TYPE, "unknown-change-type", "a type of change that is not known")               \
    X(194, PAYLOAD_MISSING, "payload-missing", "its content has not arrived yet")                  \
    X(195, PAYLOAD_ERASED, "payload-erased", "its content was erased by its owner")                \
    X(196, NOT_CONFIRMED, "not-confirmed", "not confirmed")                                        \
    /* 220 on: the client */                                                                       \
    X(220, USAGE, "usage", "the command was not understood")                                       \
    X(221, NOT_SYNCED, "not-synced", "not in step yet")                                            \
    X(222, INTERNAL, "internal", "a fault of this program")

typedef enum {
#define X(number, symbol, name, text) ERR_##symbol = number,
    ERR_TABLE(X)
#undef X
} err_t;

// Never NULL: an unknown number is "unknown-reason".
const char *err_name(err_t err);
const char *err_text(err_t err);     // untranslated; pass through gettext to print
err_t err_by_name(const char *name); // ERR_INTERNAL where there is none

// Where in somebody's bytes or words an error is, for messages that name it.
typedef struct {
    err_t err;
    char where[96];   // field path, line, file; may be empty
    char detail[192]; // one sentence; may be empty
} fault_t;

// Fills *fault (NULL allowed) and returns err, so that refusals read
// `return fault_set (fault, ERR_BAD_DATE, path, "%s", text);`
err_t fault_set(fault_t *fault, err_t err, const char *where, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
