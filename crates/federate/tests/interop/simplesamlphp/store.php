<?php
// A store of files: what an operator has in Redis or Memcache. With one, SimpleSAMLphp finds the
// sessions that a LogoutRequest is about; without, it knows only that of the browser that brings it.

class FileStore extends SimpleSAML\Store
{
    private function file(string $type, string $key): string
    {
        return peer()['folder'] . '/' . sha1("$type $key") . '.entry';
    }

    public function get($type, $key)
    {
        $file = $this->file($type, $key);
        return is_file($file) ? unserialize(file_get_contents($file)) : null;
    }

    public function set($type, $key, $value, $expire = null)
    {
        file_put_contents($this->file($type, $key), serialize($value));
    }

    public function delete($type, $key)
    {
        $file = $this->file($type, $key);
        if (is_file($file)) {
            unlink($file);
        }
    }
}
