# shellcheck shell=bash
# A Debian with a real systemd in namespaces of its own, for scripts that source
# this. Needs root. Nothing reaches the machine outside: every mount is made in
# a private mount namespace, and all of it ends with the process that owns it.
#
#   lab_possible            why it cannot be done here, on standard output, and 1
#   lab_base DIR PACKAGE... a small Debian in DIR, made once, kept for next time
#   lab_boot BASE WORK      starts systemd over BASE; what it writes is in memory
#   lab_in COMMAND...       inside, as root; lab_as USER COMMAND... as somebody
#   lab_stop                ends it
#
# Plain namespaces, not systemd-nspawn, which does not start where the cgroup
# tree is not its own.

lab_owner=''  # process of unshare; its child is the systemd

lab_possible() {
    local tool
    [[ $(id -u) == 0 ]] || { echo 'needs root'; return 1; }
    for tool in debootstrap unshare nsenter; do
        command -v $tool >/dev/null || { echo "$tool is not installed"; return 1; }
    done
    grep -qw overlay /proc/filesystems || modprobe -q overlay || { echo 'no overlayfs'; return 1; }
    unshare --mount --pid --net --uts --ipc --cgroup --fork true 2>/dev/null ||
        { echo 'namespaces are not allowed here'; return 1; }
    [[ -n $(lab_mirror) ]] || { echo 'no Debian mirror among the apt sources'; return 1; }
}

# Where this machine itself gets its Debian from.
lab_mirror() {
    # shellcheck disable=SC2016  # the names are apt's
    apt-get indextargets --format '$(REPO_URI) $(CODENAME)' \
        'Created-By: Packages' 'Origin: Debian' 2>/dev/null |
        awk -v codename="$(lab_codename)" '$2 == codename { print $1; exit }'
}

lab_codename() {
    awk -F= '$1 == "VERSION_CODENAME" { print $2 }' /etc/os-release
}

# Packages that the given programs' shared libraries come from.
lab_libraries() {
    ldd "$@" | awk '$2 == "=>" && $3 ~ /^\// { print $1 }' | sort -u |
        while read -r name; do dpkg-query -S "*/$name" 2>/dev/null; done |
        sed 's/:.*//' | sort -u
}

lab_base() {
    local base=$1 packages
    shift
    packages=$(printf '%s\n' systemd systemd-sysv dbus "$@" | sort -u | paste -sd, -)
    [[ $(cat "$base.packages" 2>/dev/null) == "$packages" ]] && return
    rm -rf "$base" "$base.packages"
    mkdir -p "$base"
    debootstrap --variant=minbase --include="$packages" "$(lab_codename)" "$base" "$(lab_mirror)" \
        >"$base.log" 2>&1 || { tail -n 20 "$base.log"; return 1; }
    rm -f "$base"/var/cache/apt/archives/*.deb
    echo "$packages" >"$base.packages"
}

# Runs as first process of the new namespaces; ends as systemd.
lab_init() {
    local base=$1 work=$2 device
    set -e
    mount --make-rprivate /
    mount -t tmpfs -o mode=755 tmpfs "$work"
    mkdir "$work/upper" "$work/scratch" "$work/root"
    mount -t overlay -o "lowerdir=$base,upperdir=$work/upper,workdir=$work/scratch" lab "$work/root"
    cd "$work/root"
    mount -t proc proc proc
    mount -t sysfs sysfs sys
    mount -t cgroup2 cgroup2 sys/fs/cgroup
    mount -t tmpfs -o mode=755 tmpfs run
    mount -t tmpfs tmpfs tmp
    mount -t tmpfs -o mode=755 tmpfs dev
    mkdir dev/pts dev/shm
    mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
    ln -s pts/ptmx dev/ptmx
    for device in null zero full random urandom tty; do
        touch dev/$device
        mount --bind /dev/$device dev/$device
    done
    # Not chroot, in which nobody gets a user namespace (PrivateUsers=).
    pivot_root . mnt
    umount --lazy /mnt
    exec env -i container=lab PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        /lib/systemd/systemd --unit=multi-user.target </dev/null >/dev/null 2>&1
}

lab_boot() {
    local base=$1 work=$2 state
    mkdir -p "$work"
    export -f lab_init
    unshare --mount --pid --net --uts --ipc --cgroup --fork --kill-child \
        bash -c 'lab_init "$@"' lab "$base" "$work" </dev/null >"$work.console" 2>&1 &
    lab_owner=$!
    for _ in $(seq 300); do
        # Until systemd's bus answers there is nothing that could be waited on.
        state=$(lab_in systemctl is-system-running --wait 2>/dev/null)
        [[ $state == running || $state == degraded ]] && return
        kill -0 "$lab_owner" 2>/dev/null || break
        sleep 0.1
    done
    tail -n 20 "$work.console"
    return 1
}

lab_in() {
    local first
    first=$(cat "/proc/$lab_owner/task/$lab_owner/children" 2>/dev/null)
    [[ -n $first ]] || return 1
    nsenter --target "${first%% *}" --mount --pid --net --uts --ipc --cgroup --root --wd \
        env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "$@"
}

lab_as() {
    local user=$1
    shift
    lab_in setpriv --reuid="$user" --regid="$user" --init-groups "$@"
}

lab_stop() {
    [[ -n $lab_owner ]] || return 0
    lab_in systemctl poweroff --force >/dev/null 2>&1
    for _ in $(seq 50); do
        kill -0 "$lab_owner" 2>/dev/null || break
        sleep 0.1
    done
    kill -9 "$lab_owner" 2>/dev/null
    wait "$lab_owner" 2>/dev/null
    lab_owner=''
}
