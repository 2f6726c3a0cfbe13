/* The protocol between replicas and Redis (proxy/store/README.md), and what it guarantees.
 *
 * One URL, one stored response. What is modelled, what is left out, and how to read a trail: README.md.
 * `run` gives the sizes and parts by -D, and takes protective steps out by -DMUTANT_...:
 *
 *   REPLICAS 2    WRITES 1 or 2    GETS 1 to 3    TAGS 1 to 3 (of the response)
 *   WRITES_ON, GETS_ON           masks: whether replica 1 carries a write, a GET. Replica 0 may be killed
 *   TAGS_OF_0, TAGS_OF_1         masks: the tags that a write makes old; LEASES_OF_0, LEASES_OF_1 those it leases
 *   KILL, DROP, WITNESS, MEMORY, CUT (tracking connection), OUTAGE (Redis, for replica 0), REFUSE (4xx)
 *   NAMED                        tag 1 is `n:`, tag 2 is one that the response itself names
 *
 * A stamp is a number that nobody holds any more when it is given again: random ones never meet, and only
 * equality counts. A version is how many writes the database had seen, plus one; 0 is none.
 */
#ifdef NAMED
#define NAMED_TAG 1
#define OWN_TAG 2
#define KEPT(t) (t != NAMED_TAG)   /* a response is stored with these stamps */
#define EARLY(t) (t != OWN_TAG)    /* known before the answer has come */
#else
#define KEPT(t) true
#define EARLY(t) true
#endif

#ifndef LEASES_OF_0
#define LEASES_OF_0 TAGS_OF_0
#endif
#ifndef TAGS_OF_1
#define TAGS_OF_1 TAGS_OF_0
#endif
#ifndef LEASES_OF_1
#define LEASES_OF_1 TAGS_OF_1
#endif
#define WRITE_ON(w) ((WRITES_ON >> (w)) & 1)
#define GET_ON(g) ((GETS_ON >> (g)) & 1)
#define WRITE_TAGS(w) (w == 0 -> TAGS_OF_0 : TAGS_OF_1)
#define WRITE_LEASES(w) (w == 0 -> LEASES_OF_0 : LEASES_OF_1)

#define HAS(mask, t) ((mask >> t) & 1)
#define ALL_TAGS ((1 << TAGS) - 1)
#define MAX(a, b) (a > b -> a : b)

#if !defined(MUTANT_STAMPS_ARE_COUNTERS) && !defined(MUTANT_STAMPS_NOT_COMPARED)
#define FORGETS_UNUSABLE
#endif

#define NO_LEASE 0
#define LIVE 1
#define LAPSED 2                   /* expired unreleased, and its text still beside the stamp */

hidden byte i, x, k, new_stamp;          /* of one step only */
hidden byte fits, gone, counted;

/* --- Redis --- */
byte stamp[TAGS];                  /* 0: no such key */
byte lease[TAGS * WRITES];
byte value_version, value_stamp[TAGS];
bool prolonged[TAGS];              /* its expiry was moved beyond the leases in it */
byte expired;                      /* mask: keys that have expired, and of which Redis has told nobody yet */

/* --- the origin --- */
byte database = 1;
bool forwarded[WRITES], committed[WRITES], refused[WRITES];
byte version_of[WRITES];

/* --- replicas --- */
bool alive[REPLICAS] = true;
bool reaches[REPLICAS] = true;     /* Redis */
byte pending[REPLICAS];            /* mask of tags */
byte deferred[REPLICAS];           /* newest version answered for whose eviction is pending */
bool heard[WRITES];                /* the lease, by the other replica, and of no end */
bool promised[WRITES];             /* Redis was there when the lease was to be taken */
bool answered[WRITES], over[WRITES];

/* --- GETs --- */
byte need[GETS];                   /* the oldest version that may be given */
byte joined[GETS];                 /* whose fill is waited for, plus one */
bool fills[GETS];
byte got[GETS];                    /* version */
byte fill_stamp[GETS * TAGS];
bool noted[GETS];                  /* the local stamps noted are still current */

/* --- what was promised --- */
byte current = 1;                  /* on every replica that asks Redis */
byte own[REPLICAS] = 1;            /* on the replica that carried the write */

#ifdef MEMORY
byte held[REPLICAS], held_stamp[REPLICAS * TAGS];
byte ahead[REPLICAS], behind[REPLICAS];   /* invalidations on their way before and after the heartbeat */
bool beats[REPLICAS];              /* a heartbeat is on its way */
byte beat_current[REPLICAS];       /* `current` when it was sent */
byte covered[REPLICAS] = 1;        /* `current` when the last one that came back was sent */
bool trusted[REPLICAS];
byte tracking[REPLICAS] = 2;       /* 0: cut, 1: tracking again, local stamps not yet made others, 2: all is well */
bool missed[REPLICAS];             /* cut, and not yet made good */
#endif

/* --- inside one step --- */

#define HELD_BY_GET(g, t, s) (fill_stamp[g * TAGS + t] == s)
#if GETS == 1
#define HELD_BY_GETS(t, s) HELD_BY_GET(0, t, s)
#elif GETS == 2
#define HELD_BY_GETS(t, s) (HELD_BY_GET(0, t, s) || HELD_BY_GET(1, t, s))
#else
#define HELD_BY_GETS(t, s) (HELD_BY_GET(0, t, s) || HELD_BY_GET(1, t, s) || HELD_BY_GET(2, t, s))
#endif
#ifdef MEMORY
#define HELD_BY_MEMORY(t, s) (held_stamp[t] == s || held_stamp[TAGS + t] == s)
#else
#define HELD_BY_MEMORY(t, s) false
#endif

inline make_stamp(t) {
  new_stamp = 1;
#ifndef MUTANT_STAMPS_ARE_COUNTERS
  do
  :: stamp[t] == new_stamp || value_stamp[t] == new_stamp || HELD_BY_GETS(t, new_stamp) ||
     HELD_BY_MEMORY(t, new_stamp) -> new_stamp++
  :: else -> break
  od
#endif
}

/* Another local stamp for tag t on replica r: what memory holds under it is gone, what was noted is old. */
inline make_local_other(r, t) {
#ifdef MEMORY
  if
  :: KEPT(t) -> held[r] = 0; for (k : 0 .. TAGS - 1) { held_stamp[r * TAGS + k] = 0 }
  :: else
  fi;
#ifdef MUTANT_OWN_TAGS_GUARDED_LATE
  if
  :: KEPT(t) && EARLY(t) -> for (k : 0 .. GETS - 1) { if :: GET_ON(k) == r -> noted[k] = false :: else fi }
  :: else
  fi
#else
  if
  :: KEPT(t) -> for (k : 0 .. GETS - 1) { if :: GET_ON(k) == r -> noted[k] = false :: else fi }
  :: else
  fi
#endif
#else
  skip
#endif
}

/* The key of tag t changed: those who track it are sent a message. A value or a held response whose stamp is
 * no longer there never fits again, so it is forgotten: fewer states, the same answers. */
inline stamp_changed(t) {
  skip;
#ifdef FORGETS_UNUSABLE
  if
  :: KEPT(t) && value_version != 0 && value_stamp[t] != stamp[t] ->
     value_version = 0; for (k : 0 .. TAGS - 1) { value_stamp[k] = 0 }
  :: else
  fi;
#endif
#ifdef MEMORY
  for (k : 0 .. REPLICAS - 1) {
    if
    :: tracking[k] > 0 && alive[k] -> behind[k] = behind[k] | (1 << t)
    :: else
    fi;
    if
    :: held_stamp[k * TAGS + t] != stamp[t] -> held_stamp[k * TAGS + t] = 0
    :: else
    fi
  }
#endif
}

#if WRITES == 1
#define LEASED(t) (lease[t] == LIVE)
#define HAS_LAPSED(t) (lease[t] == LAPSED)
#else
#define LEASED(t) (lease[t * WRITES] == LIVE || lease[t * WRITES + 1] == LIVE)
#define HAS_LAPSED(t) (lease[t * WRITES] == LAPSED || lease[t * WRITES + 1] == LAPSED)
#endif

inline read_leased(result) {
  result = false;
  for (i : 0 .. TAGS - 1) { if :: LEASED(i) || HAS_LAPSED(i) -> result = true :: else fi }
}

inline forget_lapsed(t) {
  for (x : 0 .. WRITES - 1) {
    if
    :: lease[t * WRITES + x] == LAPSED -> lease[t * WRITES + x] = NO_LEASE
    :: else
    fi
  }
}

/* The stamp becomes another one: deleted, or, beside a lease, a new one. */
inline evict_tag(t) {
  forget_lapsed(t);
#ifdef MUTANT_EVICTION_DELETES_LEASES
  for (x : 0 .. WRITES - 1) { lease[t * WRITES + x] = NO_LEASE }
#endif
  if
  :: LEASED(t) -> make_stamp(t); stamp[t] = new_stamp
  :: else -> stamp[t] = 0; prolonged[t] = false
  fi;
  expired = expired & ~(1 << t);
  stamp_changed(t)
}

/* The script `end` with eviction, of one's own or (as the eviction of somebody who has no lease) without. */
inline evict_in_redis(tags, w) {
  for (i : 0 .. TAGS - 1) {
    if
    :: HAS(tags, i) ->
       if :: w < WRITES -> lease[i * WRITES + w] = NO_LEASE :: else fi;
       evict_tag(i)
    :: else
    fi
  }
}

inline end_without_eviction(w) {
  for (i : 0 .. TAGS - 1) {
    if
    :: HAS(WRITE_LEASES(w), i) ->
       gone = lease[i * WRITES + w] != LIVE;
#ifdef MUTANT_LAPSE_NOT_COUNTED
       counted = false;
       forget_lapsed(i);
#else
       counted = HAS_LAPSED(i);
#endif
       lease[i * WRITES + w] = NO_LEASE;
       if
       :: gone || counted -> evict_tag(i)
       :: else -> stamp_changed(i)
       fi
    :: else
    fi
  }
}

/* The script `lease`: take, or renew. */
inline take_lease(w, renews) {
  for (i : 0 .. TAGS - 1) {
    if
    :: HAS(WRITE_LEASES(w), i) ->
#ifdef MUTANT_LAPSE_NOT_COUNTED
       counted = false;
       forget_lapsed(i);
#else
       counted = HAS_LAPSED(i);
#endif
       if
       :: stamp[i] == 0 || counted || (renews && lease[i * WRITES + w] != LIVE) ->
          forget_lapsed(i);
          make_stamp(i);
          stamp[i] = new_stamp
       :: else
       fi;
       expired = expired & ~(1 << i);
       lease[i * WRITES + w] = LIVE;
       stamp_changed(i)
    :: else
    fi
  }
}

inline make_local_others(r, tags) {
  for (i : 0 .. TAGS - 1) { if :: HAS(tags, i) -> make_local_other(r, i) :: else fi }
}

/* --- a write --- */

#define R WRITE_ON(w)

proctype Write(byte w) {
  atomic {
    alive[R];
    d_step {
      if
      :: reaches[R] && WRITE_LEASES(w) != 0 ->
         promised[w] = true;
         printf("write %d: leases on Redis, unless that is taken out\n", w);
#ifndef MUTANT_NO_LEASE
         take_lease(w, false); heard[w] = true
#endif
      :: else
      fi; skip
    }
  }
  atomic { alive[R]; forwarded[w] = true; printf("write %d: forwarded\n", w) }

  /* the origin, whose step needs nobody alive */
  if
  :: d_step { true; committed[w] = true; database++; version_of[w] = database; printf("origin: write %d is committed as version %d\n", w, database) }
#ifdef REFUSE
  :: d_step { true; refused[w] = true; printf("origin: refuses write %d\n", w) }
#endif
  fi;

#ifdef MUTANT_EVICTION_AFTER_ANSWER
  d_step { alive[R] && !refused[w]; current = MAX(current, version_of[w]); own[R] = MAX(own[R], version_of[w]) }
#endif
#ifdef MUTANT_LOCAL_STAMPS_FIRST
  d_step { alive[R] && !refused[w]; make_local_others(R, WRITE_TAGS(w)); skip }
#endif

  if
  :: d_step {
       alive[R] && refused[w];
       end_without_eviction(w);
       printf("write %d: ended without eviction, answered\n", w);
       heard[w] = false; answered[w] = true
     }
  :: d_step {
       alive[R] && !refused[w] && reaches[R];
       evict_in_redis(WRITE_TAGS(w), w);
       printf("write %d: Redis has evicted\n", w);
       heard[w] = false
     }
     d_step {
       alive[R];
#ifndef MUTANT_LOCAL_STAMPS_FIRST
       make_local_others(R, WRITE_TAGS(w));
#endif
       printf("write %d: answered\n", w);
       answered[w] = true;
       current = MAX(current, version_of[w]);
       own[R] = MAX(own[R], version_of[w])
     }
#ifdef OUTAGE
  :: d_step {
       alive[R] && !refused[w] && !reaches[R];
#ifndef MUTANT_PENDING_FORGOTTEN
       pending[R] = pending[R] | WRITE_TAGS(w);
#endif
       printf("write %d: Redis is out of reach, the eviction is pending\n", w);
       deferred[R] = MAX(deferred[R], version_of[w])
     }
     d_step {
       alive[R];
#ifndef MUTANT_LOCAL_STAMPS_FIRST
       make_local_others(R, WRITE_TAGS(w));
#endif
       printf("write %d: answered\n", w);
       answered[w] = true;
       own[R] = MAX(own[R], version_of[w])
     }
#endif
  fi;
end_write: false
}
#undef R

/* --- a GET, again and again --- */

#define ST(t) fill_stamp[g * TAGS + t]

inline forget_stamps() { for (i : 0 .. TAGS - 1) { ST(i) = 0 } }

inline read_fits() {
  fits = value_version != 0;
  for (i : 0 .. TAGS - 1) {
    if
    :: KEPT(i) && (value_stamp[i] != stamp[i] || stamp[i] == 0) -> fits = false
    :: else
    fi
  }
#ifdef MUTANT_STAMPS_NOT_COMPARED
  fits = value_version != 0;
#endif
}

/* SET NX of the missing ones, and MGET of all: the tags in `which` of a fill. */
inline make_and_read(want) {
  for (i : 0 .. TAGS - 1) {
    if
    :: want ->
       if
#ifdef MUTANT_NO_NX
       :: ST(i) == 0 ->
          make_stamp(i); stamp[i] = new_stamp;
          for (x : 0 .. WRITES - 1) { lease[i * WRITES + x] = NO_LEASE };
          expired = expired & ~(1 << i);
          stamp_changed(i)
#else
       :: ST(i) == 0 && stamp[i] == 0 ->
          make_stamp(i); stamp[i] = new_stamp; expired = expired & ~(1 << i); stamp_changed(i)
#endif
       :: else
       fi;
       ST(i) = stamp[i]
    :: else
    fi
  }
}

inline read_complete(result) {
  result = true;
  for (i : 0 .. TAGS - 1) { if :: EARLY(i) && ST(i) == 0 -> result = false :: else fi }
}

/* All that waited for this fill get what it brought. */
inline complete_fill() {
  fills[g] = false;
  printf("GET %d on %d: its fill ends with version %d, stored %d\n", g, r, got[g], value_version);
  for (i : 0 .. GETS - 1) {
    if
    :: joined[i] == g + 1 -> assert(got[g] >= need[i]); joined[i] = 0
    :: else
    fi
  }
}

#ifdef MEMORY
/* Given from memory without asking anybody. */
inline give_held() {
  printf("GET %d on %d: given version %d from memory; need %d, covered %d\n", g, r, held[r], need[g], covered[r]);
  assert(held[r] >= own[r]);                               /* G1 */
  assert(held[r] >= covered[r]);                           /* G3: what a heartbeat has covered */
  assert(held[r] >= need[g] || ahead[r] != 0 || behind[r] != 0 || expired != 0 || missed[r])
}
inline keep() {
  if
  :: keeps && noted[g] ->
     printf("GET %d on %d: memory keeps version %d\n", g, r, got[g]);
     held[r] = got[g];
     for (i : 0 .. TAGS - 1) { held_stamp[r * TAGS + i] = (KEPT(i) && stamp[i] == ST(i) -> ST(i) : 0) }
  :: else
  fi
}
#endif

proctype Get(byte g; byte r) {
  bool leased, keeps, complete;
  byte j;
end_get:
  do
  :: d_step {
       alive[r];
       need[g] = MAX(current, own[r]);
       leased = false; keeps = false; complete = false;
       printf("GET %d on %d: begins, needs version %d\n", g, r, need[g])
     }
#ifdef MEMORY
     if
     :: atomic { held[r] != 0 && trusted[r]; d_step { give_held(); need[g] = 0 }; goto next }
     :: d_step { true; noted[g] = true }
     fi;
#endif
#ifdef OUTAGE
#ifndef MUTANT_PENDING_IGNORED
     if
     :: d_step { pending[r] != 0 || !reaches[r]; need[g] = 0; noted[g] = false }; goto next
     :: pending[r] == 0
     fi;
#endif
#endif
     /* HMGET of the value and MGET of the stamps. */
     if
     :: atomic {
          alive[r] && reaches[r];
          d_step {
            read_fits();
            read_leased(leased);
            for (i : 0 .. TAGS - 1) { ST(i) = (EARLY(i) || fits -> stamp[i] : 0) };
            complete = fits
          };
          if
          :: complete ->
             d_step {
               printf("GET %d on %d: given version %d from Redis\n", g, r, value_version);
               assert(value_version >= need[g]);           /* G1, G2, G4 */
#ifdef MEMORY
#ifdef MUTANT_KEPT_WHILE_LEASED
               got[g] = value_version; keeps = true
#else
               got[g] = value_version; keeps = !leased
#endif
#else
               need[g] = 0; forget_stamps()
#endif
            ; skip
             }
#ifdef MEMORY
             goto keeping
#else
             goto next
#endif
          :: else -> printf("GET %d on %d: nothing usable in Redis\n", g, r)
          fi
        }
#ifdef MEMORY
     :: d_step {
          alive[r] && reaches[r] && held[r] != 0;
          fits = true;
          for (i : 0 .. TAGS - 1) {
            if :: KEPT(i) && (held_stamp[r * TAGS + i] == 0 || held_stamp[r * TAGS + i] != stamp[i]) -> fits = false :: else fi
          };
          if :: fits -> printf("GET %d on %d: given version %d from memory, by stamps\n", g, r, held[r]); assert(held[r] >= need[g]) :: else fi;
          need[g] = 0; noted[g] = false
        }
        goto next
#endif
#ifdef OUTAGE
     :: d_step { !reaches[r]; need[g] = 0; noted[g] = false }; goto next
#endif
     fi;

#ifdef MUTANT_STAMPS_READ_AFTER_ORIGIN
     d_step { alive[r]; got[g] = database }
#endif
     /* What a lookup has read is taken as it is, when nothing is missing. */
     if
     :: d_step {
          alive[r] && reaches[r];
          printf("GET %d on %d: has the stamps to fill with\n", g, r);
#ifdef MUTANT_STAMPS_READ_AFTER_ORIGIN
          make_and_read(EARLY(i));
          read_leased(leased)
#else
          read_complete(complete);
          if
          :: !complete -> make_and_read(EARLY(i)); read_leased(leased)
          :: else
          fi
#endif
            ; skip
        }
#ifdef OUTAGE
     :: d_step { !reaches[r]; need[g] = 0; noted[g] = false; forget_stamps(); skip }; goto next
#endif
     fi;

     atomic {
       alive[r];
       j = 0;
       do
       :: j < GETS ->
          d_step {
            fits = j != g && GET_ON(j) == r && fills[j];
#ifndef MUTANT_JOINED_WITHOUT_STAMPS
            for (i : 0 .. TAGS - 1) {
              if :: EARLY(i) && fill_stamp[j * TAGS + i] != ST(i) -> fits = false :: else fi
            };
#endif
            complete = fits
          }
          if
          :: complete -> break
          :: else -> j++
          fi
       :: else -> break
       od;
       if
       :: j < GETS -> d_step { printf("GET %d on %d: joins the fill of GET %d\n", g, r, j); joined[g] = j + 1; noted[g] = false; forget_stamps(); j = 0; complete = false }; goto following
       :: else -> d_step {
            j = 0; complete = false;
            fills[g] = true;
#ifndef MUTANT_STAMPS_READ_AFTER_ORIGIN
            got[g] = database;
#endif
            printf("GET %d on %d: fills, the origin has read version %d\n", g, r, got[g])
          }
       fi
     }
#ifdef MEMORY
     d_step { alive[r]; noted[g] = true };
#endif
#ifdef NAMED
     /* Its own tags are known now. Their stamps together with that of `n:`, which tells of their evictions. */
     d_step {
       alive[r] && reaches[r];
       if
       :: stamp[OWN_TAG] == 0 -> make_stamp(OWN_TAG); stamp[OWN_TAG] = new_stamp; expired = expired & ~(1 << OWN_TAG); stamp_changed(OWN_TAG)
       :: else
       fi;
       ST(OWN_TAG) = stamp[OWN_TAG];
#ifndef MUTANT_NAMED_STAMP_NOT_COMPARED
       if :: stamp[NAMED_TAG] != ST(NAMED_TAG) -> leased = true :: else fi
#endif
            ; skip
     }
#endif
     if
     :: d_step {
          alive[r] && reaches[r];
          keeps = !leased && pending[r] == 0;
          if
          :: keeps ->
#ifdef MUTANT_PUT_PROLONGS_LEASED
             for (i : 0 .. TAGS - 1) { if :: LEASED(i) -> prolonged[i] = true :: else fi };
#endif
             for (i : 0 .. TAGS - 1) { if :: KEPT(i) && stamp[i] != ST(i) -> keeps = false :: else fi };
#ifdef MUTANT_STAMPS_ARE_COUNTERS
             keeps = true;
#endif
             value_version = (keeps -> got[g] : 0);
             for (i : 0 .. TAGS - 1) { value_stamp[i] = (keeps && KEPT(i) -> ST(i) : 0) };
#ifndef MUTANT_KEPT_WHILE_LEASED
             read_leased(leased);
             keeps = keeps && !leased
#endif
          :: else
          fi;
          complete_fill(); skip
        }
#ifdef OUTAGE
     :: d_step { alive[r] && !reaches[r]; keeps = false; complete_fill(); skip }
#endif
     fi;
keeping:
     skip;
#ifdef MEMORY
#ifdef MUTANT_NO_PLACEHOLDER
     d_step { alive[r]; noted[g] = true; keep(); noted[g] = false; keeps = false; got[g] = 0; need[g] = 0; forget_stamps(); skip }
#else
     d_step { alive[r]; keep(); noted[g] = false; keeps = false; got[g] = 0; need[g] = 0; forget_stamps(); skip }
#endif
#else
     d_step { alive[r]; keeps = false; got[g] = 0; need[g] = 0; forget_stamps(); skip }
#endif
     goto next;
following:
     skip;
     d_step { alive[r] && joined[g] == 0; need[g] = 0 };
next: skip
  od
}

/* --- what happens by itself --- */

/* Renewed as often as you like; it matters when one's own was lost, or another's has lapsed. */
#define LOST_OR_BESIDE(w, t) (HAS(WRITE_LEASES(w), t) && (lease[t * WRITES + w] != LIVE || HAS_LAPSED(t)))
#if TAGS == 1
#define RENEWAL_MATTERS(w) LOST_OR_BESIDE(w, 0)
#elif TAGS == 2
#define RENEWAL_MATTERS(w) (LOST_OR_BESIDE(w, 0) || LOST_OR_BESIDE(w, 1))
#else
#define RENEWAL_MATTERS(w) (LOST_OR_BESIDE(w, 0) || LOST_OR_BESIDE(w, 1) || LOST_OR_BESIDE(w, 2))
#endif

/* A lease is renewed until its end; and the origin is done before one that nobody renews has expired. */
#define R WRITE_ON(w)
#ifdef MUTANT_LEASE_NOT_RENEWED
#define MAY_LAPSE(w) true
#else
#define MAY_LAPSE(w) (alive[R] -> answered[w] : !forwarded[w] || committed[w] || refused[w])
#endif

inline lapse(w) {
  over[w] = true;
  printf("Redis: the lease of write %d has run out\n", w);
  for (i : 0 .. TAGS - 1) {
    if
    :: lease[i * WRITES + w] == LIVE ->
       lease[i * WRITES + w] = LAPSED;
       if
       :: !LEASED(i) && !prolonged[i] ->
          forget_lapsed(i);
          stamp[i] = 0;
          expired = expired | (1 << i);
#ifdef FORGETS_UNUSABLE
          if
          :: KEPT(i) -> value_version = 0; for (k : 0 .. TAGS - 1) { value_stamp[k] = 0 }
          :: else
          fi
#endif
       :: else
       fi
    :: else
    fi
  }
}

/* Beside a lease that lives, a lapsed one is counted by the other write's next step. */
#if WRITES == 1
#define WAITS_BESIDE(w, t) false
#else
#define WAITS_BESIDE(w, t) (lease[t * WRITES + w] == LAPSED && lease[t * WRITES + 1 - w] == LIVE)
#endif
#if TAGS == 1
#define WAITS(w) WAITS_BESIDE(w, 0)
#else
#define WAITS(w) (WAITS_BESIDE(w, 0) || WAITS_BESIDE(w, 1))
#endif

#ifdef WITNESS
#define WITNESSED(w) (!heard[w])
#else
#define WITNESSED(w) true
#endif

/* What becomes of the lease of write w: renewed, lapsed, evicted by a witness; and what is promised then. */
proctype Lease(byte w) {
end_lease:
  do
  :: d_step {
       alive[R] && reaches[R] && forwarded[w] && !committed[w] && heard[w] && RENEWAL_MATTERS(w);
       printf("write %d: renews its lease\n", w);
       take_lease(w, true); skip
     }
  :: d_step { promised[w] && !over[w] && MAY_LAPSE(w); lapse(w); skip }
#ifdef WITNESS
  :: d_step {
       over[w] && heard[w] && !alive[R];
#ifndef MUTANT_NO_WITNESS
       printf("witness: evicts for write %d\n", w);
       evict_in_redis(WRITE_LEASES(w), WRITES);
       make_local_others(1 - R, WRITE_LEASES(w));
#endif
       heard[w] = false
     }
#endif
  :: d_step {
       over[w] && !alive[R] && promised[w] && committed[w] && current < version_of[w] && !WAITS(w) && WITNESSED(w);
       current = version_of[w]                             /* G4 */
     }
  od
}
#undef R

#ifdef DROP
inline drop(t) {
  printf("Redis: drops the stamp of tag %d\n", t);
  for (x : 0 .. WRITES - 1) { lease[t * WRITES + x] = NO_LEASE };
  stamp[t] = 0; prolonged[t] = false;
  stamp_changed(t)
}
proctype Dropping() {
end_dropping:
  do
  :: d_step { stamp[0] != 0; drop(0); skip }
#if TAGS > 1
  :: d_step { stamp[1] != 0; drop(1); skip }
#endif
#if TAGS > 2
  :: d_step { stamp[2] != 0; drop(2); skip }
#endif
  :: d_step { value_version != 0; value_version = 0; for (k : 0 .. TAGS - 1) { value_stamp[k] = 0 }; skip }
  od
}
#endif

#ifdef KILL
proctype Killing() {
end_killing:
  d_step {
    true;
    printf("replica 0 is killed\n");
    alive[0] = false;
    pending[0] = 0;
#ifdef MEMORY
    held[0] = 0; ahead[0] = 0; behind[0] = 0; beats[0] = false; trusted[0] = false; covered[0] = 0;
    beat_current[0] = 0; missed[0] = false; tracking[0] = 0;
    for (k : 0 .. TAGS - 1) { held_stamp[k] = 0 };
#endif
    for (k : 0 .. GETS - 1) {
      if
      :: GET_ON(k) == 0 ->
         need[k] = 0; joined[k] = 0; fills[k] = false; got[k] = 0; noted[k] = false;
         for (i : 0 .. TAGS - 1) { fill_stamp[k * TAGS + i] = 0 }
      :: else
      fi
    }; skip
  }
}
#endif

#ifdef OUTAGE
/* Redis out of replica 0's reach, and back. What is pending is delivered first. */
proctype Outage() {
end_outage:
  do
  :: d_step { reaches[0]; reaches[0] = false; printf("replica 0 cannot reach Redis\n") }
  :: d_step { !reaches[0] && alive[0]; reaches[0] = true; printf("replica 0 reaches Redis again\n") }
  :: d_step {
       alive[0] && reaches[0] && pending[0] != 0;
       printf("replica 0 delivers what was pending\n");
       evict_in_redis(pending[0], WRITES);
       pending[0] = 0;
       current = MAX(current, deferred[0])
     }
  od
}
#endif

#ifdef MEMORY
inline hear(r, t) {
  if
  :: beats[r] -> ahead[r] = ahead[r] & ~(1 << t)
  :: else -> behind[r] = behind[r] & ~(1 << t)
  fi;
  printf("replica %d hears that tag %d changed\n", r, t);
  make_local_other(r, t)
}
#define NEXT(r) (beats[r] -> ahead[r] : behind[r])
#ifdef MUTANT_TRUSTED_BY_CLOCK_ALONE
#define COMES_BACK(r) true
#else
#define COMES_BACK(r) (ahead[r] == 0)
#endif
#ifdef MUTANT_HEARTBEAT_ON_ANOTHER_CONNECTION
#define CAN_BEAT(r) true
#else
#define CAN_BEAT(r) (tracking[r] == 2)
#endif

/* Invalidations, in order, the heartbeat among them; and a connection that is lost and made again. */
proctype Tracking(byte r) {
end_tracking:
  do
  :: d_step { alive[r] && HAS(NEXT(r), 0); hear(r, 0); skip }
#if TAGS > 1
  :: d_step { alive[r] && HAS(NEXT(r), 1); hear(r, 1); skip }
#endif
#if TAGS > 2
  :: d_step { alive[r] && HAS(NEXT(r), 2); hear(r, 2); skip }
#endif
  :: d_step {
       alive[r] && CAN_BEAT(r) && !beats[r];
       printf("replica %d sends a heartbeat\n", r);
       beats[r] = true; beat_current[r] = current;
       ahead[r] = behind[r]; behind[r] = 0
     }
  :: d_step {
       alive[r] && beats[r] && COMES_BACK(r);
#ifdef MUTANT_TRUSTED_FROM_RETURN
       beat_current[r] = current;
#endif
       printf("replica %d: the heartbeat is back\n", r);
       beats[r] = false; trusted[r] = true;
       behind[r] = behind[r] | ahead[r]; ahead[r] = 0;
       covered[r] = MAX(covered[r], beat_current[r]); beat_current[r] = 0
     }
#ifdef CUT
  :: d_step {
       alive[r] && tracking[r] != 0;
       printf("replica %d loses its tracking connection\n", r);
       tracking[r] = 0; missed[r] = true;
       ahead[r] = 0; behind[r] = 0;
       beats[r] = false; beat_current[r] = 0
     }
#ifdef MUTANT_LOCAL_STAMPS_BEFORE_TRACKING
  :: d_step {
       alive[r] && tracking[r] == 0 && missed[r];
       printf("replica %d gives its memory up\n", r);
       trusted[r] = false; missed[r] = false;
       make_local_others(r, ALL_TAGS); skip
     }
  :: d_step { alive[r] && tracking[r] == 0 && !missed[r]; tracking[r] = 2; printf("replica %d tracks again\n", r) }
#else
  :: d_step { alive[r] && tracking[r] == 0; tracking[r] = 1; trusted[r] = false; printf("replica %d tracks again\n", r) }
  :: d_step {
       alive[r] && tracking[r] == 1;
       printf("replica %d gives its memory up\n", r);
       make_local_others(r, ALL_TAGS);
       missed[r] = false; tracking[r] = 2
     }
#endif
#endif
  od
}

/* Redis tells of a key that has expired when it deletes it, sooner or later. */
proctype Expiry() {
end_expiry:
  do
  :: d_step { HAS(expired, 0); expired = expired & ~1; stamp_changed(0); skip }
#if TAGS > 1
  :: d_step { HAS(expired, 1); expired = expired & ~2; stamp_changed(1); skip }
#endif
  od
}
#endif

init {
  atomic {
    run Write(0); run Lease(0);
#if WRITES > 1
    run Write(1); run Lease(1);
#endif
    run Get(0, GET_ON(0));
#if GETS > 1
    run Get(1, GET_ON(1));
#endif
#if GETS > 2
    run Get(2, GET_ON(2));
#endif
#ifdef KILL
    run Killing();
#endif
#ifdef DROP
    run Dropping();
#endif
#ifdef OUTAGE
    run Outage();
#endif
#ifdef MEMORY
    run Tracking(0); run Tracking(1); run Expiry();
#endif
  }
}
