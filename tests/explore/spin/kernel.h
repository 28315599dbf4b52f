/* Kernel paths in Promela, written by hand from the C that perfsim's paths are written from.

   One state a step: an atomic is one shared primitive and the local work after it. A label before an atomic is a place
   where other CPUs may come between; a label inside an atomic is entered without a break (local work alone). A path is a
   macro: L is a prefix for its labels, C the CPU, P the page, and the last arguments are the labels to go on at.
   Guards are written out, never `else`: SPIN would make a state of its own of `else -> goto`.

   A model says CPUS, PAGES and the state at the start before it includes this; every page is mapped by a pte.
   Flags here are numbered for a byte.
*/

#include "memory.h"

/* mm/filemap.c: the page lock. One bucket for all pages. The queue holds CPU numbers plus one, three at most; waits is
   the page, plus one, that a queued CPU waits for. */
#define QBASE (CPUS + 1)
#define FIRST (queue % QBASE)
#define SECOND ((queue / QBASE) % QBASE)
#define THIRD (queue / (QBASE * QBASE))
#define IS_FOR(entry, P) ((entry) != 0 && waits[(entry) - 1] == (P) + 1)

#define ENQUEUE(C, P) \
  queue = queue + ((C) + 1) * (FIRST == 0 -> 1 : (SECOND == 0 -> QBASE : QBASE * QBASE)); \
  waits[C] = (P) + 1
#define DEQUEUE(C) \
  queue = (FIRST == (C) + 1 -> queue / QBASE : \
          (SECOND == (C) + 1 -> FIRST + QBASE * THIRD : FIRST + QBASE * SECOND)); \
  waits[C] = 0

#define lock_page(L, C, P, NEXT) \
L##_try:    atomic { woken[C] = 0; \
                     if :: HAS_NOT(P, LOCKED) -> SET(P, LOCKED); goto NEXT \
                        :: HAS(P, LOCKED) -> goto L##_queue fi }; \
L##_queue:  atomic { bucket_lock == 0 -> bucket_lock = (C) + 1; goto L##_prepare }; \
L##_prepare: atomic { woken[C] = 0; \
                     if :: waits[C] != 0 -> goto L##_queued \
                        :: waits[C] == 0 -> ENQUEUE(C, P); goto L##_queued fi }; \
L##_queued: atomic { bucket_lock = 0; goto L##_look }; \
L##_look:   atomic { if :: HAS(P, LOCKED) -> goto L##_sleep \
                        :: HAS_NOT(P, LOCKED) -> goto L##_again fi }; \
L##_sleep:  atomic { woken[C] -> goto L##_again }; \
L##_again:  atomic { woken[C] = 0; \
                     if :: HAS_NOT(P, LOCKED) -> SET(P, LOCKED); goto L##_finish \
                        :: HAS(P, LOCKED) -> goto L##_queue fi }; \
L##_finish: atomic { if :: waits[C] != 0 -> goto L##_lock \
                        :: waits[C] == 0 -> goto NEXT fi }; \
L##_lock:   atomic { bucket_lock == 0 -> bucket_lock = (C) + 1; goto L##_still }; \
L##_still:  atomic { if :: waits[C] != 0 -> goto L##_remove \
                        :: waits[C] == 0 -> goto L##_unlock fi }; \
L##_remove: atomic { DEQUEUE(C); goto L##_unlock }; \
L##_unlock: atomic { bucket_lock = 0; goto NEXT }

#define WAKE(P) \
  waiter = (IS_FOR(FIRST, P) -> FIRST : (IS_FOR(SECOND, P) -> SECOND : (IS_FOR(THIRD, P) -> THIRD : 0))); \
  if :: HAS(P, LOCKED) || waiter == 0 -> skip \
     :: HAS_NOT(P, LOCKED) && waiter != 0 -> DEQUEUE(waiter - 1); woken[waiter - 1] = 1 \
  fi

#define wake_up_page(L, C, P, NEXT) \
L##_active: atomic { if :: queue == 0 -> goto NEXT \
                        :: queue != 0 -> goto L##_lock fi }; \
L##_lock:   atomic { bucket_lock == 0 -> bucket_lock = (C) + 1; goto L##_wake }; \
L##_wake:   atomic { WAKE(P); goto L##_unlock }; \
L##_unlock: atomic { bucket_lock = 0; goto NEXT }

#ifdef PEEK_FIRST
#define unlock_page(L, C, P, NEXT) \
L##_clear:  atomic { if :: queue == 0 -> n = 0; goto L##_bit :: queue != 0 -> n = 1; goto L##_bit fi }; \
L##_bit:    atomic { CLEAR(P, LOCKED); \
                     if :: n == 0 -> goto NEXT :: n == 1 -> n = 0; goto L##_lock fi }; \
L##_lock:   atomic { bucket_lock == 0 -> bucket_lock = (C) + 1; goto L##_wake }; \
L##_wake:   atomic { WAKE(P); goto L##_unlock }; \
L##_unlock: atomic { bucket_lock = 0; goto NEXT }
#else
#define unlock_page(L, C, P, NEXT) \
L##_clear:  atomic { goto L##_bit }; /* the fence before it */ \
L##_bit:    atomic { if :: HAS(P, LOCKED) -> skip \
                        :: HAS_NOT(P, LOCKED) -> VIOLATION(5, "double_unlock") fi; \
                     CLEAR(P, LOCKED); goto L##_wake_active }; \
wake_up_page(L##_wake, C, P, NEXT)
#endif

/* mm/swap.c */
#define put_page(L, C, P, NEXT) \
L##_put:    atomic { PUT(P, L##_lru, NEXT) }; \
L##_lru:    atomic { if :: HAS(P, LRU) -> goto L##_lock \
                        :: HAS_NOT(P, LRU) -> goto L##_free fi }; \
L##_lock:   atomic { lru_lock == 0 -> lru_lock = (C) + 1; goto L##_bug }; \
L##_bug:    atomic { VM_BUG_ON_NOT(P, LRU); goto L##_clear }; \
L##_clear:  atomic { CLEAR(P, LRU); UNLINK(P); \
                     if :: HAS(P, UNEVICTABLE | ACTIVE) -> goto L##_which \
                        :: HAS_NOT(P, UNEVICTABLE | ACTIVE) -> goto L##_unlock fi }; \
L##_which:  atomic { if :: HAS(P, UNEVICTABLE) -> CLEAR(P, UNEVICTABLE) \
                        :: HAS_NOT(P, UNEVICTABLE) -> CLEAR(P, ACTIVE) fi; goto L##_unlock }; \
L##_unlock: atomic { lru_lock = 0; goto L##_free }; \
L##_free:   atomic { FREE_PAGE(P); goto NEXT }

/* The vector's pages in turn: i is which, freeing those whose last reference it was, held whether lru_lock is ours. */
#define release_pages(L, C, VEC, NEXT) \
L##_put:    atomic { PUT(PV_PAGE(VEC, i), L##_lru, L##_next) }; \
L##_lru:    atomic { if :: HAS(PV_PAGE(VEC, i), LRU) && !held -> goto L##_lock \
                        :: HAS(PV_PAGE(VEC, i), LRU) && held -> goto L##_bug \
                        :: HAS_NOT(PV_PAGE(VEC, i), LRU) -> goto L##_keep fi }; \
L##_lock:   atomic { lru_lock == 0 -> lru_lock = (C) + 1; held = 1; goto L##_bug }; \
L##_bug:    atomic { VM_BUG_ON_NOT(PV_PAGE(VEC, i), LRU); goto L##_clear }; \
L##_clear:  atomic { CLEAR(PV_PAGE(VEC, i), LRU); UNLINK(PV_PAGE(VEC, i)); \
                     if :: HAS(PV_PAGE(VEC, i), UNEVICTABLE | ACTIVE) -> goto L##_which \
                        :: HAS_NOT(PV_PAGE(VEC, i), UNEVICTABLE | ACTIVE) -> goto L##_keep fi }; \
L##_which:  atomic { if :: HAS(PV_PAGE(VEC, i), UNEVICTABLE) -> CLEAR(PV_PAGE(VEC, i), UNEVICTABLE) \
                        :: HAS_NOT(PV_PAGE(VEC, i), UNEVICTABLE) -> CLEAR(PV_PAGE(VEC, i), ACTIVE) fi; \
                     goto L##_keep }; \
            atomic { false; \
L##_keep:            PV_PUSH(freeing, PV_PAGE(VEC, i)); \
L##_next:            if :: i + 1 < PV_COUNT(VEC) -> i++; goto L##_put \
                        :: i + 1 >= PV_COUNT(VEC) && held -> goto L##_unlock \
                        :: i + 1 >= PV_COUNT(VEC) && !held -> goto L##_rest fi }; \
L##_unlock: atomic { lru_lock = 0; held = 0; goto L##_rest }; \
            atomic { false; \
L##_rest:            if :: freeing != 0 -> goto L##_free \
                        :: freeing == 0 -> i = 0; VEC = 0; goto NEXT fi }; \
L##_free:   atomic { FREE_PAGE(freeing % BASE - 1); freeing = freeing / BASE; goto L##_rest }

/* ____pagevec_lru_add() of a vector that is not empty: N is its list. */
#define drain_pagevec(L, C, N, NEXT) \
L##_lock:   atomic { lru_lock == 0 -> lru_lock = (C) + 1; goto L##_bug }; \
L##_bug:    atomic { VM_BUG_ON(PV_PAGE(pagevec[(C) * 4 + N], i), ACTIVE | UNEVICTABLE | LRU); goto L##_set }; \
L##_set:    atomic { SET(PV_PAGE(pagevec[(C) * 4 + N], i), LRU); \
                     if :: (N) & 1 -> goto L##_act :: !((N) & 1) -> goto L##_link fi }; \
L##_act:    atomic { SET(PV_PAGE(pagevec[(C) * 4 + N], i), ACTIVE); goto L##_link }; \
            atomic { false; \
L##_link:            if :: where[PV_PAGE(pagevec[(C) * 4 + N], i)] != NOWHERE -> VIOLATION(6, "corruption"); false \
                        :: where[PV_PAGE(pagevec[(C) * 4 + N], i)] == NOWHERE -> LINK(PV_PAGE(pagevec[(C) * 4 + N], i), N) fi; \
                     if :: i + 1 < PV_COUNT(pagevec[(C) * 4 + N]) -> i++; goto L##_bug \
                        :: i + 1 >= PV_COUNT(pagevec[(C) * 4 + N]) -> i = 0; goto L##_unlock fi }; \
L##_unlock: atomic { lru_lock = 0; goto L##_release_put }; \
release_pages(L##_release, C, pagevec[(C) * 4 + N], NEXT)

/* With n as the list: entered from local work at L##_from, with n set to 0. The rotate pagevec is always empty here. */
#define lru_add_drain(L, C, NEXT) \
            atomic { false; \
L##_from:            if :: n < 4 && pagevec[(C) * 4 + n] == 0 -> n++; goto L##_from \
                        :: n < 4 && pagevec[(C) * 4 + n] != 0 -> goto L##_vec_lock \
                        :: n == 4 -> n = 0; goto NEXT fi }; \
drain_pagevec(L##_vec, C, n, L##_turn); \
            atomic { false; \
L##_turn:            n++; goto L##_from }

/* lru is the list, kept by the caller until it is in the pagevec. */
#define lru_cache_add_lru(L, C, P, NEXT) \
L##_active: atomic { if :: HAS(P, ACTIVE) -> goto L##_bug_unev \
                        :: HAS_NOT(P, ACTIVE) -> goto L##_unev fi }; \
L##_bug_unev: atomic { VM_BUG_ON(P, UNEVICTABLE); goto L##_clear_act }; \
L##_clear_act: atomic { CLEAR(P, ACTIVE); goto L##_bug }; \
L##_unev:   atomic { if :: HAS(P, UNEVICTABLE) -> goto L##_bug_act \
                        :: HAS_NOT(P, UNEVICTABLE) -> goto L##_bug fi }; \
L##_bug_act: atomic { VM_BUG_ON(P, ACTIVE); goto L##_clear_unev }; \
L##_clear_unev: atomic { CLEAR(P, UNEVICTABLE); goto L##_bug }; \
L##_bug:    atomic { VM_BUG_ON(P, LRU | ACTIVE | UNEVICTABLE); goto L##_get }; \
L##_get:    atomic { count[P]++; PV_PUSH(pagevec[(C) * 4 + lru], P); \
                     if :: PV_COUNT(pagevec[(C) * 4 + lru]) == 2 -> goto L##_full_lock \
                        :: PV_COUNT(pagevec[(C) * 4 + lru]) < 2 -> goto NEXT fi }; \
drain_pagevec(L##_full, C, lru, NEXT)

#define add_page_to_unevictable_list(L, C, P, NEXT) \
L##_lock:   atomic { lru_lock == 0 -> lru_lock = (C) + 1; goto L##_unev }; \
L##_unev:   atomic { SET(P, UNEVICTABLE); goto L##_lru }; \
L##_lru:    atomic { SET(P, LRU); \
                     if :: where[P] != NOWHERE -> VIOLATION(6, "corruption"); false \
                        :: where[P] == NOWHERE -> LINK(P, LRU_UNEVICTABLE) fi; goto L##_unlock }; \
L##_unlock: atomic { lru_lock = 0; goto NEXT }

/* mm/vmscan.c */
#define isolate_lru_page(L, C, P, GOT, BUSY) \
L##_peek:   atomic { if :: HAS(P, LRU) -> goto L##_lock \
                        :: HAS_NOT(P, LRU) -> goto BUSY fi }; \
L##_lock:   atomic { lru_lock == 0 -> lru_lock = (C) + 1; goto L##_lru }; \
L##_lru:    atomic { if :: HAS(P, LRU) -> goto L##_get \
                        :: HAS_NOT(P, LRU) -> goto L##_fail fi }; \
L##_get:    atomic { if :: count[P] > 0 -> count[P]++; goto L##_clear \
                        :: count[P] == 0 -> goto L##_fail fi }; \
L##_clear:  atomic { CLEAR(P, LRU); UNLINK(P); goto L##_unlock }; \
L##_unlock: atomic { lru_lock = 0; goto GOT }; \
L##_fail:   atomic { lru_lock = 0; goto BUSY }

/* page_evictable(): of an anonymous page, whose mapping has no AS_UNEVICTABLE, and of a file's that has it not set. */
#define page_evictable(L, P, YES, NO) \
L##_mapping: atomic { cached = (mapping[P] == FILE -> 1 : 0); goto L##_word }; \
L##_word:   atomic { cached = 0; goto L##_flag }; \
L##_flag:   atomic { if :: HAS(P, MLOCKED) -> goto NO \
                        :: HAS_NOT(P, MLOCKED) -> goto YES fi }

#ifdef NO_RECHECK
#define RECHECK(L) L##_quit
#else
#define RECHECK(L) L##_again_mapping
#endif

#define putback_lru_page_redo(L, C, P, NEXT) \
L##_start:  atomic { VM_BUG_ON(P, LRU); goto L##_unev }; \
L##_unev:   atomic { was = (HAS(P, UNEVICTABLE) -> 1 : 0); CLEAR(P, UNEVICTABLE); goto L##_redo }; \
L##_redo:   atomic { lru = (HAS(P, ACTIVE) -> 1 : 0); CLEAR(P, ACTIVE); goto L##_first_mapping }; \
page_evictable(L##_first, P, L##_yes, L##_no); \
            atomic { false; \
L##_yes:             if :: HAS(P, SWAPBACKED) -> goto L##_add_active \
                        :: HAS_NOT(P, SWAPBACKED) -> lru = lru + 2; goto L##_add_active fi }; \
lru_cache_add_lru(L##_add, C, P, L##_quit); \
            atomic { false; \
L##_quit:            lru = 0; was = 0; goto L##_drop_put }; \
            atomic { false; \
L##_no:              lru = 0; goto L##_list_lock }; \
add_page_to_unevictable_list(L##_list, C, P, RECHECK(L)); \
page_evictable(L##_again, P, L##_isolate_peek, L##_quit); \
isolate_lru_page(L##_isolate, C, P, L##_got_put, L##_quit); \
put_page(L##_got, C, P, L##_redo); \
put_page(L##_drop, C, P, NEXT)

/* Under the page lock; goes on at UNLOCKED if it has given that up. Its page_evictable() asserts too. */
#define putback_lru_page_old(L, C, P, NEXT, UNLOCKED) \
L##_start:  atomic { VM_BUG_ON_NOT(P, LOCKED); goto L##_bug }; \
L##_bug:    atomic { VM_BUG_ON(P, LRU); goto L##_act }; \
L##_act:    atomic { lru = (HAS(P, ACTIVE) -> 1 : 0); CLEAR(P, ACTIVE); goto L##_unev }; \
L##_unev:   atomic { was = (HAS(P, UNEVICTABLE) -> 1 : 0); CLEAR(P, UNEVICTABLE); goto L##_mapped }; \
L##_mapped: atomic { if :: mapping[P] != 0 -> goto L##_assert \
                        :: mapping[P] == 0 -> lru = 0; was = 0; goto L##_let_clear fi }; \
unlock_page(L##_let, C, P, L##_gone_put); \
put_page(L##_gone, C, P, UNLOCKED); \
L##_assert: atomic { VM_BUG_ON(P, UNEVICTABLE); goto L##_first_mapping }; \
page_evictable(L##_first, P, L##_yes, L##_no); \
            atomic { false; \
L##_yes:             if :: HAS(P, SWAPBACKED) -> goto L##_add_active \
                        :: HAS_NOT(P, SWAPBACKED) -> lru = lru + 2; goto L##_add_active fi }; \
lru_cache_add_lru(L##_add, C, P, L##_quit); \
            atomic { false; \
L##_quit:            lru = 0; was = 0; goto L##_drop_put }; \
            atomic { false; \
L##_no:              lru = 0; goto L##_list_lock }; \
add_page_to_unevictable_list(L##_list, C, P, L##_quit); \
put_page(L##_drop, C, P, NEXT)

/* mm/mlock.c */
#define mlock_vma_page_redo(L, C, P, NEXT) \
L##_start:  atomic { if :: HAS(P, MLOCKED) -> goto NEXT \
                        :: HAS_NOT(P, MLOCKED) -> SET(P, MLOCKED); nr_mlock++; goto L##_isolate_peek fi }; \
isolate_lru_page(L##_isolate, C, P, L##_back_start, NEXT); \
putback_lru_page_redo(L##_back, C, P, NEXT)

#define munlock_vma_page_redo(L, C, P, NEXT) \
L##_start:  atomic { if :: HAS(P, MLOCKED) -> CLEAR(P, MLOCKED); nr_mlock--; goto L##_isolate_peek \
                        :: HAS_NOT(P, MLOCKED) -> goto NEXT fi }; \
isolate_lru_page(L##_isolate, C, P, L##_rmap, L##_suspect); \
L##_rmap:   atomic { goto L##_back_start }; \
L##_suspect: atomic { goto NEXT }; \
putback_lru_page_redo(L##_back, C, P, NEXT)

#define munlock_vma_page_old(L, C, P, NEXT) \
L##_start:  atomic { VM_BUG_ON_NOT(P, LOCKED); goto L##_clear }; \
L##_clear:  atomic { if :: HAS(P, MLOCKED) -> CLEAR(P, MLOCKED); nr_mlock--; goto L##_isolate_peek \
                        :: HAS_NOT(P, MLOCKED) -> goto NEXT fi }; \
isolate_lru_page(L##_isolate, C, P, L##_rmap, L##_suspect); \
L##_rmap:   atomic { goto L##_back_start }; \
L##_suspect: atomic { goto NEXT }; \
putback_lru_page_old(L##_back, C, P, NEXT, NEXT)

/* __munlock_pte_handler() of the pte that maps P, if it still does. */
#define munlock_pte_redo(L, C, P, NEXT) \
L##_pte:    atomic { if :: pte[P] -> goto L##_lock_try \
                        :: !pte[P] -> goto L##_entry fi }; \
L##_entry:  atomic { goto NEXT }; \
lock_page(L##_lock, C, P, L##_mapping); \
L##_mapping: atomic { if :: mapping[P] == 0 -> goto L##_retry_clear \
                         :: mapping[P] != 0 -> goto L##_anon fi }; \
L##_anon:   atomic { if :: mapping[P] == ANON -> goto L##_mapped \
                        :: mapping[P] != ANON -> goto L##_do_start fi }; \
L##_mapped: atomic { if :: mapcount[P] -> goto L##_do_start \
                        :: !mapcount[P] -> goto L##_retry_clear fi }; \
unlock_page(L##_retry, C, P, L##_pte); \
munlock_vma_page_redo(L##_do, C, P, L##_let_clear); \
unlock_page(L##_let, C, P, NEXT)

#define munlock_pte_old(L, C, P, NEXT) \
L##_pte:    atomic { if :: pte[P] -> goto L##_lock_try \
                        :: !pte[P] -> goto L##_entry fi }; \
L##_entry:  atomic { goto NEXT }; \
lock_page(L##_lock, C, P, L##_mapping); \
L##_mapping: atomic { if :: mapping[P] == 0 -> goto L##_retry_clear \
                         :: mapping[P] != 0 -> goto L##_do_start fi }; \
unlock_page(L##_retry, C, P, L##_pte); \
munlock_vma_page_old(L##_do, C, P, L##_let_clear); \
unlock_page(L##_let, C, P, NEXT)

/* mm/vmscan.c, before the rework */
#define cull_unevictable_page(L, C, P, NEXT) \
lock_page(L##_lock, C, P, L##_back_start); \
putback_lru_page_old(L##_back, C, P, L##_let_clear, NEXT); \
unlock_page(L##_let, C, P, NEXT)

/* mm/truncate.c: the body of truncate_inode_pages_range() for a page of a file, locked by the caller. */
#define truncate_locked_page(L, C, P, NEXT) \
L##_mapped: atomic { if :: mapcount[P] -> goto L##_index \
                        :: !mapcount[P] -> goto L##_mapping fi }; \
L##_index:  atomic { goto L##_entry }; \
L##_entry:  atomic { goto L##_zap }; \
L##_zap:    atomic { if :: pte[P] -> pte[P] = 0; mapcount[P]--; goto L##_pte_put \
                        :: !pte[P] -> goto L##_mapping fi }; \
put_page(L##_pte, C, P, L##_mapping); \
L##_mapping: atomic { if :: mapping[P] == 0 -> goto NEXT \
                         :: mapping[P] != 0 -> goto L##_dirty fi }; \
L##_dirty:  atomic { CLEAR(P, DIRTY); goto L##_mlock }; \
L##_mlock:  atomic { if :: HAS(P, MLOCKED) -> CLEAR(P, MLOCKED); nr_mlock--; goto L##_isolate_peek \
                        :: HAS_NOT(P, MLOCKED) -> goto L##_remove fi }; \
isolate_lru_page(L##_isolate, C, P, L##_back_start, L##_second_peek); \
isolate_lru_page(L##_second, C, P, L##_late_start, L##_suspect); \
L##_suspect: atomic { goto L##_remove }; \
putback_lru_page_redo(L##_back, C, P, L##_remove); \
putback_lru_page_redo(L##_late, C, P, L##_remove); \
L##_remove: atomic { mapping[P] = 0; goto L##_uptodate }; \
L##_uptodate: atomic { CLEAR(P, UPTODATE); goto L##_cache_put }; \
put_page(L##_cache, C, P, NEXT)
