/* Loaded before ALSA, which fails from `fail` on as it does when a sound server dies at the wrong
 * moment: the read of what a poll told of finds the card stopped, and the next poll can't be read.
 */
#include <dlfcn.h>
#include <errno.h>

int fail;
static int failed;

static void *real(const char *name)
{
    return dlsym(dlopen("libasound.so.2", RTLD_LAZY), name);
}

long snd_pcm_readi(void *pcm, void *samples, unsigned long count)
{
    long (*read)(void *, void *, unsigned long) = real("snd_pcm_readi");
    if (fail && !failed) {
        failed = 1;
        return -EPIPE;
    }
    return read(pcm, samples, count);
}

int snd_pcm_poll_descriptors_revents(void *pcm, void *polled, unsigned count, unsigned short *told)
{
    int (*look)(void *, void *, unsigned, unsigned short *) = real("snd_pcm_poll_descriptors_revents");
    return failed ? -EIO : look(pcm, polled, count, told);
}
